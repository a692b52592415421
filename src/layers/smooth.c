/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Smooth relatives of ReLU and sigmoid, as Keras defines them: each an activation (activation.h). */
#include <math.h>

#include "activation.h"

/* log(1 + exp(x)), without overflow for large x. */
static float softplus(float x, float alpha)
{
    (void)alpha;
    return (x > 0.0f ? x : 0.0f) + log1pf(expf(-fabsf(x)));
}

static float log_sigmoid(float x, float alpha)
{
    return -softplus(-x, alpha);
}

static float softsign(float x, float alpha)
{
    (void)alpha;
    return x / (1.0f + fabsf(x));
}

static float silu(float x, float alpha)
{
    (void)alpha;
    return x / (1.0f + expf(-x));
}

static float mish(float x, float alpha)
{
    return x * tanhf(softplus(x, alpha));
}

/* Self-normalising: scale and slope of Klambauer et al. 2017. */
static float selu(float x, float alpha)
{
    (void)alpha;
    return 1.05070098735548049342f * (x > 0.0f ? x : 1.67326324235437728482f * expm1f(x));
}

static float celu(float x, float alpha)
{
    return x > 0.0f ? x : alpha * expm1f(x / alpha);
}

static float hard_sigmoid(float x, float alpha)
{
    const float y = alpha * x + 0.5f;
    return y < 0.0f ? 0.0f : (y > 1.0f ? 1.0f : y);
}

NNOM_ACTIVATION(softplus, "Softplus", NNOM_CLAMP_NONE, softplus, NULL, 0.0f, 0)
NNOM_ACTIVATION(log_sigmoid, "LogSigmoid", NNOM_CLAMP_NONE, log_sigmoid, NULL, 0.0f, 0)
NNOM_ACTIVATION(softsign, "Softsign", NNOM_CLAMP_NONE, softsign, NULL, 0.0f, 0)
NNOM_ACTIVATION(silu, "SiLU", NNOM_CLAMP_NONE, silu, NULL, 0.0f, 0)
NNOM_ACTIVATION(mish, "Mish", NNOM_CLAMP_NONE, mish, NULL, 0.0f, 0)
NNOM_ACTIVATION(selu, "SELU", NNOM_CLAMP_NONE, selu, NULL, 0.0f, 0)
NNOM_ACTIVATION(celu, "CELU", NNOM_CLAMP_NONE, celu, NULL, 0.0f, 0)
NNOM_ACTIVATION(hard_sigmoid, "HardSigmoid", NNOM_CLAMP_NONE, hard_sigmoid, NULL, 0.0f, 0)

#define CONSTRUCTOR(name)                                                                                              \
    nnom_activation_t *nnom_act_##name(void)                                                                           \
    {                                                                                                                  \
        return nnom_activation_new(&name##_activation, 0.0f);                                                          \
    }

CONSTRUCTOR(softplus)
CONSTRUCTOR(log_sigmoid)
CONSTRUCTOR(softsign)
CONSTRUCTOR(silu)
CONSTRUCTOR(mish)
CONSTRUCTOR(selu)

nnom_activation_t *nnom_act_celu(float alpha)
{
    return nnom_activation_new(&celu_activation, alpha);
}

nnom_activation_t *nnom_act_hard_sigmoid(float slope)
{
    return nnom_activation_new(&hard_sigmoid_activation, slope);
}
