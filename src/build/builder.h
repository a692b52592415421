/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * The build side of a layer: what constructors make and compile turns into a program (nnom_program.h). None of this is
 * linked into firmware with a frozen model.
 */
#ifndef NNOM_BUILDER_H
#define NNOM_BUILDER_H

#ifndef NNOM_NO_SHORT_NAMES
#define NNOM_NO_SHORT_NAMES /* the library uses the real ones */
#endif
#include "nnom.h"
#include "nnom_port.h"
#include "../kernels/param.h"
#include "../plan/flow.h"
#include "../run/type.h"
#include "../run/window.h"

#if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ > 0
#error "NNoM checks numbers for NaN and infinity: compile without -ffast-math and -ffinite-math-only"
#endif

#ifdef __GNUC__
#define NNOM_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define NNOM_PRINTF(text, first)
#endif

enum { NNOM_NAME_BYTES = 32, NNOM_ERROR_BYTES = 160 };

/* ---- Parameters of operations: see param.h ---- */

/* Contents of an ARRAY member. */
typedef struct nnom_array {
    const void *data;
    uint32_t count;
    nnom_type_t type;
} nnom_array_t;

/* The first array of some contents, by its node and its place among the ARRAY members there: it alone is stored. */
typedef struct nnom_owner {
    uint16_t node;
    uint16_t index;
} nnom_owner_t;

/* What of a layer is the same as of an earlier one. */
typedef struct nnom_alike {
    nnom_owner_t *owners; /* of its arrays: [nnom_layer_array_count()] */
    uint16_t
        first_alike; /* of a Constant the tensor, of others the node of the first one of the same contents or parameters */
} nnom_alike_t;

/* ---- Layers ---- */

typedef struct nnom_edge nnom_edge_t;
struct nnom_edge {
    nnom_layer_t *from;
    nnom_layer_t *to;
    nnom_edge_t *next_in;  /* next input of `to`, in order */
    nnom_edge_t *next_out; /* next consumer of `from` */
};

typedef struct nnom_class {
    const char *name;      /* as printed: "Conv2D" */
    const char *param_tag; /* tag of the param struct, "nnom_pool_param"; NULL: no param */
    const nnom_field_t *fields;
    /*
     * Called by compile in order of execution, the inputs' `out` being known. Checks arguments and shapes, sets
     * layer->out->shape (and .type, .scale, .zero_point where they do not follow input 0, see nnom_layer_follow()), layer->kernel,
     * layer->param, layer->scratch_bytes, layer->macs. Returns nnom_layer_fail(...) on error.
     */
    nnom_status_t (*build)(nnom_layer_t *layer);
    uint32_t min_inputs;
    uint32_t max_inputs;
    uint32_t flags;
} nnom_class_t;

/* A class with something that few have, flag NNOM_CLASS_RARE. */
typedef struct nnom_rare_class {
    nnom_class_t super;
    /* Outputs beside `out`: nnom_layer_part() hands them on. */
    uint32_t more_outputs;
    /* Sets shape, type and quantisation of output i, 1 <= i <= more_outputs, after build. */
    nnom_status_t (*part)(const nnom_layer_t *layer, uint32_t i, nnom_tensor_t *out);
    /*
     * Sets count and type of ARRAY member i, whose data (not NULL) the layer did not get from nnom_layer_alloc(): the caller's weights.
     * NULL: there are none such.
     */
    void (*array)(const nnom_layer_t *layer, uint32_t i, nnom_array_t *array);
    void (*release)(nnom_layer_t *layer); /* frees what the constructor allocated besides the layer; may be NULL */
} nnom_rare_class_t;

enum {
    /* act_min/act_max of a following ReLU can be taken over: layer->fused is read in build */
    NNOM_CLASS_CLAMPS = 1,
    NNOM_CLASS_ANY_SHAPE = 2, /* takes its input as one vector: a Flatten or Reshape before it is passed over */
    NNOM_CLASS_NO_SWAP = 4,   /* depends on h and w in a way that (1, w, c) cannot be run as (w, 1, c) */
    NNOM_CLASS_INPUT = 8,
    NNOM_CLASS_OUTPUT = 16,
    NNOM_CLASS_CONSTANT = 32,
    NNOM_CLASS_VIEW = 64,      /* same bytes, other shape */
    NNOM_CLASS_WINDOW = 256,   /* has a window whose padding may be set in numbers */
    NNOM_CLASS_WEIGHTS = 512,  /* has weights whose scales may be set */
    NNOM_CLASS_QFORMAT = 8192, /* and a kernel that needs nothing per channel for those in a Q-format */
    NNOM_CLASS_STATE = 1024,   /* its tensor keeps its value from run to run */
    NNOM_CLASS_KEEPS = 16384,  /* it finds in its output what the run before left there */
    NNOM_CLASS_WIDE = 32768,   /* takes int16 inputs as well */
    NNOM_CLASS_RARE = 4096,    /* the class is an nnom_rare_class_t */
    NNOM_CLASS_PART = 2048,    /* one more output of the layer that it is hooked to */
    /* the layer is an nnom_activation_layer_t: may be fused into a CLAMPS layer before it */
    NNOM_CLASS_ACTIVATION = 128
};

typedef enum nnom_clamp { NNOM_CLAMP_NONE, NNOM_CLAMP_RELU, NNOM_CLAMP_RELU6, NNOM_CLAMP_RELU_N1_TO_1 } nnom_clamp_t;

/* What the user gave beside the arguments of the constructor, or of those in which layers differ; most layers have nothing of it. */
typedef struct nnom_given {
    bool quant_is_set : 1;
    bool has_refused_format : 1;
    bool type_is_set : 1; /* by nnom_layer_set_type() */
    uint8_t bias_bits;    /* by nnom_layer_set_bias_bits(); 0: not */
    uint8_t weight_bits;  /* by nnom_layer_set_weight_bits(); 0: not */
    nnom_type_t type;     /* Input, Constant, State */
    uint16_t part;        /* of a Part: which output, from 1 */
    uint16_t port;        /* order among the model's inputs or outputs, from 1; 0: none given */
    int32_t axis;         /* of Concat: 0 h, 1 w, 2 c, -1 c */
    union {
        struct {
            float scale;
            int32_t zero_point;
        } set;                  /* by the user, valid if quant_is_set and not has_refused_format */
        nnom_qformat_t refused; /* given by the user and none; valid if has_refused_format */
    } quant;
    nnom_shape_t shape;   /* Input, Output, Constant, Reshape, State; of Slide the rows */
    float *weight_scales; /* [weight_scale_count], owned; NULL: Q-format or float weights */
    uint32_t weight_scale_count;
    char *name;           /* owned, or NULL: nnom_layer_name() */
    nnom_layer_t *leaves; /* of a State: the layer whose output it holds in the next run */
} nnom_given_t;

struct nnom_layer {
    const nnom_class_t *cls;
    nnom_model_t *model;    /* owner, once adopted */
    nnom_layer_t *next;     /* in the model's list; in order of execution after compile */
    nnom_edge_t *in;        /* inputs, in order */
    nnom_edge_t *out_edges; /* consumers */
    nnom_given_t *given;    /* owned, or a constant one: nnom_layer_give() before writing */
    /* of windows, pads, crops and upsampling, in the layer's own struct: so that compile can swap h and w */
    nnom_geometry_t *geometry;
    uint16_t bytes;  /* of the layer struct */
    uint16_t number; /* among the layers at the first compile, from 1 */
    /* Made by compile: */
    uint16_t tensor; /* index in the program */
    uint16_t node;   /* index in the program, NNOM_NO_NODE: nothing to run */
    nnom_padding_t padding;
    nnom_clamp_t fused;      /* clamp taken over from the following layer, the only one that reads it */
    uint8_t mark;            /* of traversals */
    bool swapped : 1;        /* h and w were exchanged by compile */
    bool broken : 1;         /* a layer hooked to this one, or a part of it, could not be made */
    bool padding_is_set : 1; /* by nnom_layer_set_padding() */
    /* scratch is for input rows that come in pieces, in a ring; always so in reducing operations */
    bool scratch_in_pieces : 1;
    bool advances : 1;  /* from run to run: rings.c */
    bool passed : 1;    /* fused into the layer before: no node, no tensor */
    bool is_left : 1;   /* a State takes its output over */
    nnom_tensor_t *out; /* in the program; offset is set by the plan. NULL before compile */
    /* Made by build: */
    const struct nnom_kernel *kernel; /* what runs; NULL: nothing does */
    const void *param;
    uint32_t scratch_bytes;
    struct nnom_chunk *chunks; /* memory from nnom_layer_alloc(), freed with the layer or at the next compile */
    /*
     * How far the output's first byte must lie below input 0's first byte so that rows computed in ascending order never
     * overwrite input still needed; NNOM_NO_OVERLAP: they must not share memory. Set by build through
     * nnom_layer_overlap_rows() or directly (0: exactly in place).
     */
    int32_t overlap;
    uint64_t macs;
};

/*
 * Allocates a zeroed layer of `bytes` (its struct starts with nnom_layer_t) of a class. NULL when memory is short.
 */
void *nnom_layer_new(const nnom_class_t *cls, size_t bytes);
void nnom_layer_free(nnom_layer_t *layer);

/* The layer whose bytes its output is: itself, or for views, fused activations and most Outputs another. After build. */
nnom_layer_t *nnom_layer_root(const nnom_layer_t *layer);
/* The operation; NULL: nothing runs. */
const nnom_op_t *nnom_layer_op(const nnom_layer_t *layer);
/* A layer's given things, to be written; NULL if the layer is, or if memory is short: then it is broken, and compile says so. */
nnom_given_t *nnom_layer_give(nnom_layer_t *layer);
bool nnom_layer_is_given(const nnom_layer_t *layer);
/* What layers have that are given nothing: constant. */
nnom_given_t *nnom_nothing_given(void);
void nnom_layer_free_given(nnom_layer_t *layer);
/* head + count * size bytes by nnom_malloc; NULL also where they do not fit size_t. */
void *nnom_allocate(size_t head, size_t count, size_t size);
void nnom_layer_give_shape(nnom_layer_t *layer, nnom_shape_t shape);
void nnom_layer_give_axis(nnom_layer_t *layer, int32_t axis);
/* The name given, or "Conv2D_2" from the first compile on, or "". text: [NNOM_NAME_BYTES], where it is written if it is not given. */
const char *nnom_layer_text(const nnom_layer_t *layer, char *text);
/* The same, kept by the layer from then on: for who hands it on. Without memory for it "Conv2D". */
const char *nnom_layer_name(const nnom_layer_t *layer);
/* Memory for the first error; false if there is none. */
bool nnom_new_error(nnom_builder_t *builder);
void nnom_free_error(nnom_builder_t *builder);

/* What few classes have; a constant without any of it for the others. */
const nnom_rare_class_t *nnom_layer_rare(const nnom_layer_t *layer);
/* Outputs beside `out`. */
uint32_t nnom_layer_more_outputs(const nnom_layer_t *layer);

/* `count` zeroed elements of `size` bytes that live until the layer is freed or compiled again. NULL: memory is short. */
void *nnom_layer_alloc(nnom_layer_t *layer, size_t count, size_t size);
/* Bytes of an array's contents. */
uint32_t nnom_array_bytes(const nnom_array_t *array);
/* Bytes of all arrays of a compiled layer; without those that an earlier layer has as well. */
uint32_t nnom_layer_weight_bytes(const nnom_layer_t *layer);
/*
 * Says what a piece of memory from nnom_layer_alloc() holds, to which an ARRAY member points; returns data. Says nothing of others and
 * of NULL. An array of which neither this nor the class tells anything is an error.
 */
const void *nnom_layer_array(nnom_layer_t *layer, const void *data, uint32_t count, nnom_type_t type);
/* The fields of its parameters: those of the kernel variant, else of the class. NULL: it has none. */
const nnom_field_t *nnom_layer_fields(const nnom_layer_t *layer);
/* ARRAY members of its parameters, those that are NULL as well. */
uint32_t nnom_layer_array_count(const nnom_layer_t *layer);
/* Contents of ARRAY member i; count 0: it is NULL, or nobody knows. */
nnom_array_t nnom_layer_array_at(const nnom_layer_t *layer, uint32_t i);

/* The layer that makes input i: fused activations, and views before a layer that takes any shape, are passed over. */
nnom_layer_t *nnom_layer_input_layer(const nnom_layer_t *layer, uint32_t i);
/* Its tensor, as its build left it. */
const nnom_tensor_t *nnom_layer_in(const nnom_layer_t *layer, uint32_t i);
uint32_t nnom_layer_input_number(const nnom_layer_t *layer);
/* Sets out's type and quantisation: the user's if set, else input 0's. */
void nnom_layer_follow(nnom_layer_t *layer);
/* The same, where the layer has a quantisation of its own (Softmax ...) and the user set none. */
void nnom_layer_follow_quant(nnom_layer_t *layer, float scale, int32_t zero_point);
/* True if input i and the output have the same scale and zero point (always, in float). */
bool nnom_layer_same_quant(const nnom_layer_t *layer, uint32_t i);
/* Sets layer->overlap from the operation's window and the shapes: rows written in ascending order. */
void nnom_layer_overlap_rows(nnom_layer_t *layer);
/* The first error is kept in the model: "<layer name>: <text>". Returns status. printf-like, %d and %s and %ld only. */
nnom_status_t nnom_layer_fail(const nnom_layer_t *layer, nnom_status_t status, const char *format, ...)
    NNOM_PRINTF(3, 4);

/* Kernel, stride, dilation 1 and no padding. */
nnom_geometry_t nnom_geometry_one(void);
void nnom_geometry_set_pads(nnom_geometry_t *g, nnom_border_t border);

/* ---- Shapes and geometry: src/build/shape.c ---- */

/* The side of axis 0 h, 1 w, 2 c. */
static inline int32_t *nnom_shape_side(nnom_shape_t *shape, int32_t axis)
{
    return axis == 0 ? &shape->h : (axis == 1 ? &shape->w : &shape->c);
}
/* layer->axis as 0 to 2; fails unless it is -3 to 2. */
nnom_status_t nnom_layer_axis(const nnom_layer_t *layer, int32_t *axis);
/* Elements of a shape, or -1 if a side is < 1 or the product does not fit int32. */
int32_t nnom_shape_elements(nnom_shape_t shape);
uint32_t nnom_type_bytes(nnom_type_t type);
/*
 * Output size of a window over `in` rows and columns, and SAME padding resolved into layer->geometry as Keras does
 * (more at the end if odd). Fails if a kernel, stride or dilation is < 1 or over 2^15, or the output would be empty.
 */
nnom_status_t nnom_geometry_resolve(nnom_layer_t *layer, nnom_shape_t in, nnom_size_t *out);

/* ---- Quantisation: src/build/quant.c ---- */

/*
 * real = multiplier * 2^(shift - 31) with multiplier in [2^30, 2^31), as the TFLite specification has it (SPEC.md). 0 <= real < 2^31.
 */
void nnom_quantize_multiplier(double real, int32_t *multiplier, int32_t *shift);
/* Larger ratios of scales saturate every int8 output just as this one does, and 255 times it still fits int32. */
#define NNOM_RATIO_MAX 4194304.0
/*
 * Requantised numbers get a zero point added. What comes from an accumulator of up to 2^31 - 1 unshifted must leave room
 * for it; all others do anyway (fixed.h).
 */
#define NNOM_ACCUMULATOR_MAX (INT32_MAX - 255)
/* A real number in a tensor's quantisation, saturated to its type, at most 16 bits; NaN becomes the least. */
int32_t nnom_quantize_real(float x, const nnom_tensor_t *out);
/* NNOM_BAD_QUANT if an input or the output of an int16 layer has a zero point. */
nnom_status_t nnom_layer_symmetric(const nnom_layer_t *layer);
/* Limits of quantised values under a clamp, in the output's quantisation. */
void nnom_clamp_limits(nnom_clamp_t clamp, const nnom_tensor_t *out, int32_t *act_min, int32_t *act_max);
void nnom_clamp_limits_f32(nnom_clamp_t clamp, float *act_min, float *act_max);

/* Weights of convolutions and dense layers, made ready for the kernels. */
typedef struct nnom_quant_weights {
    const void *bias;       /* int32 [channels], input zero point folded in; float in float models; may be NULL there */
    const void *multiplier; /* int32 [channels]; NULL in float models */
    const void *shift;      /* int8 [channels]; NULL in float models */
    const void *bias_high;  /* of int16 layers: int16 [channels], what the bias has beyond 32 bits, or NULL: nothing */
    /* a Q-format: bias is the caller's int8, and these are multiplier and shift, as kernels/qformat/qformat.h has them */
    bool one;
    int32_t one_multiplier;
    int8_t one_shift[2];
} nnom_quant_weights_t;
/*
 * Computes bias, multipliers and shifts of `channels` outputs. weights: int8, channel o's taps at
 * weights[o * channel_stride + t * tap_stride], t < taps. Checks that no accumulator can overflow int32, or 48 bits if
 * nnom_layer_is_wide().
 * Without a target for other kernels, weights in a Q-format of a class with NNOM_CLASS_QFORMAT get one multiplier for all.
 * layer->out and input 0 must be known. Fails with NNOM_NULL if w is NULL or w->p_value is NULL.
 */
nnom_status_t nnom_layer_weights(nnom_layer_t *layer, const nnom_weight_t *w, const nnom_bias_t *b, int32_t channels,
                                 int32_t taps, int32_t channel_stride, int32_t tap_stride,
                                 nnom_quant_weights_t *result);

/* Sums of int16 products have 64 bits: unless nnom_layer_set_bias_bits(32) was asked for. */
bool nnom_layer_is_wide(const nnom_layer_t *layer);

/* ---- Activations: src/layers/activation.c ---- */

struct nnom_activation {
    const nnom_class_t *cls; /* of the layer that Activation() makes; its name */
    nnom_clamp_t clamp;      /* not NONE: can be fused */
    bool owned;              /* allocated, and freed with its layer; else constant */
    uint8_t wide;            /* how it is computed in int16: nnom_wide_kind_t */
    float (*function)(float x, float alpha);
    float alpha;
    float scale; /* own output quantisation, if > 0 */
    int32_t zero_point;
    /*
     * int8 table by exact integer arithmetic, [256] indexed by q + 128; NULL: from function in float. An activation with
     * a quantisation of its own: the table is for that one only.
     */
    void (*table)(const nnom_tensor_t *in, const nnom_tensor_t *out, float alpha, int8_t *table);
    const struct nnom_kernel *kernel_f32; /* the operation of float models; params: nnom_map_param_t (lut.h) */
};

typedef struct nnom_activation_layer {
    nnom_layer_t super;
    nnom_activation_t *act; /* owned */
} nnom_activation_layer_t;

/* ---- Builder ---- */

/* Memory of a region of the arena. */
typedef struct nnom_region {
    void *given; /* by nnom_set_arena(), or NULL */
    uint32_t given_bytes;
    void *owned; /* else allocated */
} nnom_region_t;

/* The first error; a device whose models are right has none. */
typedef struct {
    uint32_t least_bytes;            /* the arena that the model needs, if that is the error; else 0 */
    const nnom_layer_t *least_layer; /* the layer that sets it, or NULL */
    char text[NNOM_ERROR_BYTES];
} nnom_error_t;

struct nnom_builder {
    uint64_t cost; /* of the plan, as in nnom_totals_t */
    uint32_t live_bytes;
    uint32_t descriptor_bytes;
    nnom_layer_t *layers;     /* owned, all adopted layers */
    nnom_layer_t *last_added; /* of model.add */
    nnom_layer_t *output;     /* the layer named as output to compile, may be NULL */
    nnom_tensor_t *tensors;   /* of the compiled program: [tensor_count] */
    void *program;            /* block of its other tables */
    uint32_t program_bytes;
    void *schedule; /* segments and steps, or NULL */
    uint32_t schedule_bytes;
    const nnom_options_t *options; /* while it is compiled */
    const void *test_input;        /* of a fed model's self test, the caller's */
    const char *provenance;        /* lines for the frozen model's header, the caller's; NULL: none */
    nnom_alike_t *alike; /* [tensor_count] of the layers that are not fused, made when somebody asks: nnom_share() */
    nnom_error_t *error; /* or NULL */
    nnom_region_t regions[2]; /* of the arena */
    uint16_t tensor_count;
    uint16_t ports;       /* counts nnom_own() */
    uint8_t free_percent; /* how much more than the cheapest plan a smaller one may cost */
    bool verbose;
    bool own_model;           /* new_model(NULL) */
    bool error_lost;          /* there was one, and no memory for it */
    nnom_status_t status;     /* first error of add */
    nnom_status_t refused[2]; /* why the last memory given for a region was not taken */
};

#endif
