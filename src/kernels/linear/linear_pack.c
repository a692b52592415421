/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
#include <math.h>

#include "../sum.h"
#include "../../layers/binary.h"
#include "../linear.h"

/*
 * Let x be the real number that Add or Sub round, without the output's zero point Z, and L = start + a factor_a + b factor_b. The
 * specification's y, before its limits, has |y - Z - x| <= 1/2 + 2^-13: its two terms are off by 1.1 in units of T / 2^20, T <=
 * 16 S_out, and what follows by less. With factors within LINEAR_STEPS of the real ones and start within LINEAR_ROOM of its own, L is
 * within 256 * 8.5 + 2^14 + 1 < 2^15 of (x + Z + 1/2) 2^21. So where L, its start in the middle, is LINEAR_NEAR or more from a multiple of
 * 2^21, L >> 21 is y: only the other pairs of bytes, one in 16, have to be looked at.
 */
enum {
    LINEAR_ONE = INT32_C(1) << NNOM_LINEAR_SHIFT,
    LINEAR_NEAR = LINEAR_ONE / 32,
    LINEAR_ROOM = 1 << 14,
    LINEAR_STEPS = 8,
    LINEAR_AROUND = 2
};

/* A layer, and the numbers that its linear form is to be near to: times 2^21. */
typedef struct linear {
    const nnom_binary_param_t *p;
    nnom_binary_zeros_t zero;
    int32_t sign;
    double a, b, start;
} linear_t;

static linear_t linear_of(const nnom_layer_t *layer, int32_t sign)
{
    const nnom_tensor_t *a = nnom_layer_in(layer, 0), *b = nnom_layer_in(layer, 1), *out = layer->out;
    const double one = (double)LINEAR_ONE / (double)out->scale;
    linear_t l = {&((const nnom_binary_layer_t *)layer)->param,
                  {a->zero_point, b->zero_point, out->zero_point},
                  sign,
                  (double)a->scale * one,
                  (double)sign * (double)b->scale * one,
                  0.0};
    l.start = (0.5 + out->zero_point) * LINEAR_ONE - l.a * a->zero_point - l.b * b->zero_point;
    return l;
}

/* No sum overflows, whatever the candidate: 2^20 is more than 256 * 17 + 2^14. And T <= 16 S_out. */
static bool linear_fits(const linear_t *l)
{
    return 256.0 * (fabs(l->a) + fabs(l->b)) + fabs(l->start) < 2147483648.0 - 1048576.0;
}

static int32_t linear_round(double x)
{
    return (int32_t)floor(x + 0.5);
}

/* What may be added to start so that L = at is on its side of the steps. */
static void linear_narrow(const linear_t *l, int32_t a, int32_t b, int32_t at, int64_t room[2])
{
    const int32_t y = l->sign > 0 ? nnom_add_element(l->p, &l->zero, (int8_t)a, (int8_t)b)
                                  : nnom_sub_element(l->p, &l->zero, (int8_t)a, (int8_t)b);
    const int64_t lo = (int64_t)y * LINEAR_ONE - at;
    const int64_t hi = lo + LINEAR_ONE - 1;
    room[0] = y > l->p->act_min && lo > room[0] ? lo : room[0];
    room[1] = y < l->p->act_max && hi < room[1] ? hi : room[1];
}

/* True if there is a start for the factors of `form`. */
static bool linear_start(const linear_t *l, nnom_linear_param_t *form)
{
    const int32_t middle = linear_round(l->start);
    int64_t room[2] = {-LINEAR_ROOM, LINEAR_ROOM};
    for (int32_t a = -128; a < 128 && room[0] <= room[1]; a++) {
        int32_t at = middle + a * form->factor_a - 128 * form->factor_b;
        for (int32_t b = -128; b < 128; b++, at += form->factor_b) {
            const int32_t rest = at & (LINEAR_ONE - 1);
            if (rest < LINEAR_NEAR || rest >= LINEAR_ONE - LINEAR_NEAR) {
                linear_narrow(l, a, b, at, room);
            }
        }
    }
    form->start = middle + (int32_t)((room[0] + room[1]) / 2);
    return room[0] <= room[1];
}

static bool linear_try(const linear_t *l, double i, double j, nnom_linear_param_t *form)
{
    form->factor_a = linear_round(l->a) + linear_round(i);
    form->factor_b = linear_round(l->b) + linear_round(j);
    return linear_start(l, form);
}

/*
 * First the nearest numbers; then both a little larger in proportion: where pairs lie right between two outputs, as with scales
 * that are powers of two, that rounds them away from zero on either side.
 */
static bool linear_search(const linear_t *l, nnom_linear_param_t *form)
{
    const double least = fmin(fabs(l->a), fabs(l->b));
    if (linear_try(l, 0.0, 0.0, form) ||
        linear_try(l, fmin(l->a / least, LINEAR_STEPS), fmax(fmin(l->b / least, LINEAR_STEPS), -LINEAR_STEPS), form)) {
        return true;
    }
    for (int32_t i = -LINEAR_AROUND; i <= LINEAR_AROUND; i++) {
        for (int32_t j = -LINEAR_AROUND; j <= LINEAR_AROUND; j++) {
            if (linear_try(l, i, j, form)) {
                return true;
            }
        }
    }
    return false;
}

nnom_status_t nnom_linear_pack(nnom_layer_t *layer, int32_t sign)
{
    const linear_t l = linear_of(layer, sign);
    nnom_linear_param_t form = {0, 0, 0, l.p->act_min, l.p->act_max};
    if (!linear_fits(&l) || !linear_search(&l, &form)) {
        return NNOM_UNSUPPORTED;
    }
    nnom_linear_param_t *param = nnom_layer_copy(layer, &form, sizeof form);
    if (param == NULL) {
        return nnom_layer_fail(layer, NNOM_NO_MEMORY, "no memory for its parameters");
    }
    layer->param = param;
    return NNOM_OK;
}
