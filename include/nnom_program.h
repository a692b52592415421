/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * The compiled form of a model: what `model_compile` makes in RAM and what a frozen model holds as `const` data in flash.
 * The executor knows nothing else. Users need this header only through nnom_run.h.
 */
#ifndef NNOM_PROGRAM_H
#define NNOM_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Before a function that runs once a layer or a row, beside loops over elements: on a small core it is compiled for size. */
#if defined(__GNUC__) && (defined(__arm__) || defined(__riscv))
#define NNOM_SMALL __attribute__((cold, noinline))
#else
#define NNOM_SMALL
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The number of this form. It changes with any struct of this header and with the parameters of any operation: a converted model
 * of another number does not compile, nor does it link with a library of another number, whose seal has another name.
 */
#define NNOM_PROGRAM_ABI 3
#define NNOM_PROGRAM_SEAL nnom_program_abi_3
extern const uint8_t NNOM_PROGRAM_SEAL;

/*
 * The model's working memory: one region, or a fast and a slow one. An offset with the bit NNOM_SLOW is one into the second.
 */
typedef struct nnom_arena {
    uint8_t *base[2];
} nnom_arena_t;

#define NNOM_SLOW 0x80000000u

/*
 * Element types of a tensor: T(name, value, C type, bytes, smallest and largest integer, quantised). What is quantised is
 * affine: real = scale * (q - zero_point). int8 is what most layers compute in; uint8 and int16 are moved, converted and
 * handed in and out; int32 is for indices and casts.
 */
#define NNOM_TYPES(T)                                                                                                  \
    T(S8, 0, int8_t, 1, INT8_MIN, INT8_MAX, true)                                                                      \
    T(F32, 1, float, 4, 0, 0, false)                                                                                   \
    T(S32, 2, int32_t, 4, INT32_MIN, INT32_MAX, false)                                                                 \
    T(U8, 3, uint8_t, 1, 0, UINT8_MAX, true)                                                                           \
    T(S16, 4, int16_t, 2, INT16_MIN, INT16_MAX, true)

typedef enum nnom_type {
#define NNOM_TYPE_ENUM(name, value, c_type, bytes, least, most, quantised) NNOM_TYPE_##name = (value),
    NNOM_TYPES(NNOM_TYPE_ENUM)
#undef NNOM_TYPE_ENUM
} nnom_type_t;

/* Height, width, channels: row-major, channels innermost. A vector is (1, 1, c), a time series (steps, 1, c). */
typedef struct nnom_shape {
    int32_t h;
    int32_t w;
    int32_t c;
} nnom_shape_t;

typedef struct nnom_instance nnom_instance_t;
typedef struct nnom_node nnom_node_t;
typedef struct nnom_program nnom_program_t;

/*
 * An activation. Where its bytes are: `data` if that is not NULL (a constant, or a buffer of the caller), else
 * in the arena at offset. `rows` is the height of its ring: row y lies at (y % rows) * row_bytes; rows == shape.h: all of it. Outside
 * rolling segments fewer rows are those that somebody reads: the others are never computed. Of a node that advances `shape.h` is the
 * height up to which rows are counted from run to run.
 */
typedef struct nnom_tensor {
    const void *data; /* written through only where the caller gave a writable buffer (an output) */
    uint32_t offset;
    nnom_shape_t shape;
    int32_t rows;
    int32_t row_bytes;
    float scale;
    int32_t zero_point;
    nnom_type_t type;
} nnom_tensor_t;

/* Rows [lo, hi). */
typedef struct nnom_range {
    int32_t lo;
    int32_t hi;
} nnom_range_t;

/* Where the rows of one tensor are while a node runs. */
typedef struct nnom_rows {
    uint8_t *data;
    int32_t rows;      /* height of the ring, >= 1 */
    int32_t row_bytes; /* bytes from one row to the next */
} nnom_rows_t;

/* What an operation gets when it is to compute output rows [y.lo, y.hi); a reducing one: to take in input rows. */
typedef struct nnom_call {
    const nnom_program_t *program;
    const nnom_node_t *node;
    const nnom_arena_t *arena;
    nnom_range_t y;
    int32_t *status; /* starts as 0; only the user's own layers may set it, to an nnom_status_t */
} nnom_call_t;

enum {
    NNOM_OP_REDUCES = 1, /* `run` takes rows of input 0 in order; the output is complete after the last one */
    NNOM_OP_VIEW = 2,    /* the output is the input's bytes under another shape: never run */
    NNOM_OP_WHOLE = 4,   /* rows cannot be computed apart: one call over all rows */
    NNOM_OP_KEEPS = 8 /* rows are computed in order, each once: the scratch holds what one call leaves for the next */
};

/*
 * An operation, as the executor sees it. One for each layer and element type, so that the linker keeps what is used.
 *  run:    computes output rows call->y, reading only the rows that `window` names. Cannot fail.
 *  window: the rows of input `input` that output rows `y` read, clipped to the input. Monotonic in y. NULL: the same rows.
 */
typedef struct nnom_op {
    void (*run)(const nnom_call_t *call);
    nnom_range_t (*window)(const nnom_program_t *program, const nnom_node_t *node, uint32_t input, nnom_range_t y);
    uint16_t flags;
    uint16_t param_bytes; /* of the struct that nnom_node_t.param points to, 0: none; compared by the self test */
} nnom_op_t;

struct nnom_node {
    const nnom_op_t *op;
    const void *param;      /* the operation's own struct, const */
    const uint16_t *inputs; /* [input_count + output_count] indices of tensors: the inputs, then the outputs */
    uint16_t input_count;
    uint8_t output_count; /* 1 or more. Rows are those of output 0; others that nobody reads are NNOM_NO_TENSOR */
    /* 1: each run calls it for rows further on by as many as a run brings, and after program->period runs for the first ones again */
    uint8_t advances;
    uint32_t scratch;       /* arena offset of the node's working memory, 4-byte aligned */
    uint32_t scratch_bytes; /* bytes of it */
};

#define NNOM_NO_TENSOR UINT16_MAX
#define NNOM_NO_NODE UINT16_MAX

/*
 * What one run leaves for the next: tensor `read` holds the value when a run begins, tensor `left` when it ends, from where it
 * is copied. Same shape, type and quantisation; the same tensor where an operation keeps what it needs.
 */
typedef struct nnom_state_pair {
    uint16_t read;
    uint16_t left;
    const void *start; /* the bytes before the first run and after nnom_forget(); NULL: zero points, in float zeros */
} nnom_state_pair_t;

/*
 * Nodes [first, end) in order. step_count 0: each runs whole, one after the other. Else they roll: each step is a byte, a node
 * counted from `first` that advances by one row, or NNOM_STEP_FEED: one more row of the input is due. Equal steps in a row are
 * one call of the operation.
 */
typedef struct nnom_segment {
    uint16_t first;
    uint16_t end;
    uint32_t step_count;
    const uint8_t *steps; /* [step_count] */
    uint32_t counters;    /* arena offset of uint16 [end - first]: rows done */
} nnom_segment_t;

enum { NNOM_STEP_FEED = 255, NNOM_SEGMENT_MAX = 254 };

struct nnom_program {
    const uint8_t *seal; /* of the library that it is for */
    const nnom_tensor_t *tensors;
    const nnom_node_t *nodes; /* in order of execution */
    const uint16_t *inputs;   /* tensors that the caller fills */
    const uint16_t *outputs;  /* tensors that the caller reads */
    uint16_t tensor_count;
    uint16_t node_count;
    uint16_t input_count;
    uint16_t output_count;
    uint32_t arena_bytes;           /* of the first region */
    uint32_t slow_bytes;            /* of the second, 0: there is none */
    const nnom_segment_t *segments; /* NULL: all nodes run whole */
    uint16_t segment_count;
    uint16_t state_count;
    const nnom_state_pair_t *states; /* in the order in which they are copied; NULL: none */
    /* 1: input 0 comes by nnom_feed(); NNOM_FED_ENDLESS: and after its end the next one begins */
    unsigned fed : 2;
    unsigned warm_up : 14; /* runs from the states' start until they hold what outputs tell of: NNOM_MORE until then */
    unsigned period : 16;  /* of nodes that advance, in runs; 1: none does */
};

enum { NNOM_WARM_UP_MOST = 0x3fff, NNOM_PERIOD_MOST = 0xffff };

enum { NNOM_FED_ENDLESS = 2 };

/*
 * Geometry of a sliding window: kernel, stride, dilation and padding, in rows (h) and columns (w). Also used for
 * cropping and zero padding (the pad fields) and upsampling (the kernel fields).
 */
typedef struct nnom_geometry {
    int32_t kernel_h, kernel_w;
    int32_t stride_h, stride_w;
    int32_t dilation_h, dilation_w;
    int32_t pad_top, pad_bottom, pad_left, pad_right;
} nnom_geometry_t;

static inline uint8_t *nnom_arena_at(const nnom_arena_t *arena, uint32_t offset)
{
    return arena->base[offset >> 31] + (offset & ~NNOM_SLOW);
}

static inline nnom_rows_t nnom_tensor_rows(const nnom_tensor_t *tensor, const nnom_arena_t *arena)
{
    const nnom_rows_t rows = {tensor->data != NULL ? (uint8_t *)tensor->data : nnom_arena_at(arena, tensor->offset),
                              tensor->rows, tensor->row_bytes};
    return rows;
}

static inline bool nnom_shape_equal(nnom_shape_t a, nnom_shape_t b)
{
    return a.h == b.h && a.w == b.w && a.c == b.c;
}

static inline const nnom_tensor_t *nnom_node_input(const nnom_program_t *program, const nnom_node_t *node, uint32_t i)
{
    return &program->tensors[node->inputs[i]];
}

static inline const nnom_tensor_t *nnom_call_input(const nnom_call_t *call, uint32_t i)
{
    return nnom_node_input(call->program, call->node, i);
}

/* The tensor of output i, i < output_count; NNOM_NO_TENSOR for i > 0: nobody reads it. */
static inline uint16_t nnom_node_output_index(const nnom_node_t *node, uint32_t i)
{
    return node->inputs[node->input_count + i];
}

static inline const nnom_tensor_t *nnom_call_output(const nnom_call_t *call)
{
    return &call->program->tensors[nnom_node_output_index(call->node, 0)];
}

static inline nnom_rows_t nnom_call_input_rows(const nnom_call_t *call, uint32_t i)
{
    return nnom_tensor_rows(nnom_call_input(call, i), call->arena);
}

static inline nnom_rows_t nnom_call_output_rows(const nnom_call_t *call)
{
    return nnom_tensor_rows(nnom_call_output(call), call->arena);
}

/* The node's working memory; NULL if it has none. */
static inline void *nnom_call_scratch(const nnom_call_t *call)
{
    return call->node->scratch_bytes > 0 ? nnom_arena_at(call->arena, call->node->scratch) : NULL;
}

/* Address of row y, 0 <= y. The division happens only in rings (M0 has none in hardware). */
static inline uint8_t *nnom_row(const nnom_rows_t *rows, int32_t y)
{
    const int32_t slot = y < rows->rows ? y : y % rows->rows;
    return rows->data + slot * rows->row_bytes;
}

#ifdef __cplusplus
}
#endif

#endif
