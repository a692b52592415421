/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Around a compiled model: evaluation on the device, per-layer time, freezing to C. Included by nnom.h.
 */
#ifndef NNOM_TOOLS_H
#define NNOM_TOOLS_H

/* ---- Evaluation: classifiers with one vector output. Absent classes and labels out of range are safe. ---- */

typedef struct nnom_prediction {
    nnom_instance_t *instance;
    uint16_t *confusion; /* [label_num][label_num]: row true label, column predicted */
    uint32_t *top_k;     /* [top_k_size]: how often the true label was at rank k */
    uint32_t label_num;
    uint32_t top_k_size;
    uint32_t predict_count; /* samples with a label in range */
    uint32_t skipped;       /* samples with a label out of range */
    uint32_t t_run_total;   /* microseconds of running */
} nnom_predict_t;

/* For &model.instance, or NAME_model() of a converted model. NULL when memory is short or label_num exceeds the output. */
nnom_predict_t *nnom_prediction_create(nnom_instance_t *instance, size_t label_num, size_t top_k_size);
/*
 * Runs the model on its input buffer. NULL pointers are allowed for predict_label and prob. NNOM_BAD_SHAPE if the model was
 * compiled anew and has fewer classes than nnom_prediction_create() saw.
 */
nnom_status_t nnom_prediction_run(nnom_predict_t *p, uint32_t true_label, uint32_t *predict_label, float *prob);
void nnom_prediction_delete(nnom_predict_t *p);
void nnom_prediction_matrix(nnom_predict_t *p);
void nnom_prediction_top_k(nnom_predict_t *p);
void nnom_prediction_summary(nnom_predict_t *p);
/* nnom_classify() of the model's instance. */
nnom_status_t nnom_predict(nnom_model_t *m, uint32_t *label, float *prob);
/* Runs the model once and prints time and MACs per layer. Takes memory for the sums as long as it runs. */
void nnom_model_stat(nnom_model_t *m);
/* Bytes that the model's layers, tables and arena take now; prints them. */
size_t nnom_mem_stat(const nnom_model_t *m);

/* ---- Planning ---- */

typedef enum nnom_mode {
    /* the cheapest within arena_bytes; without a budget the smallest that costs at most 2 % more (with kernels for a target 4 %) */
    NNOM_MODE_AUTO = 0,
    NNOM_MODE_WHOLE,   /* every layer over all its rows: every tensor can be looked at after its layer ran */
    NNOM_MODE_SMALLEST /* the smallest arena at any cost */
} nnom_mode_t;

/* One plan of the curve: what it needs and what it costs (estimated instructions; for comparing plans of a model). */
typedef struct nnom_plan_point {
    uint32_t arena_bytes;
    uint64_t cost;
} nnom_plan_point_t;
typedef void (*nnom_curve_t)(void *context, const nnom_plan_point_t *point);

/*
 * Kernels beside the plain ones, which run on any core with the weights as they are. A set of bits: what the core has that will run
 * the model. Every variant gives the same bytes; this computer can run each of them, too.
 */
typedef enum nnom_target {
    NNOM_TARGET_PLAIN = 0,
    /* portable C, weights in an order of its own: cores without SIMD, as Cortex-M0, M3, RISC-V */
    NNOM_TARGET_PACKED = 1,
    NNOM_TARGET_DSP = 2,       /* 2 x 16 bits in a register: Cortex-M4, M7, M33 */
    NNOM_TARGET_MVE = 4,       /* Helium: Cortex-M55, M85 */
    NNOM_TARGET_AVX2 = 8,      /* computers; float, too. Without AVX2, in C of the same bytes */
    NNOM_TARGET_FPU = 16,      /* float in 32 single registers: Cortex-M4F, M7, M33F, M55; beside DSP or MVE */
    NNOM_TARGET_CMSIS_NN = 32, /* Arm's library, where the build was given it */
    NNOM_TARGET_VNNI = 64,     /* computers: AVX-512 VNNI beside AVX2. Without it, in C of the same bytes */
    NNOM_TARGET_NEON = 128     /* 64-bit Arm computers, where the library is compiled for them */
} nnom_target_t;

/* Names of targets as commands and converted models give them. */
#define NNOM_TARGETS(X)                                                                                                \
    X(plain, NNOM_TARGET_PLAIN)                                                                                        \
    X(packed, NNOM_TARGET_PACKED)                                                                                      \
    X(dsp, NNOM_TARGET_DSP)                                                                                            \
    X(dsp_fpu, NNOM_TARGET_DSP | NNOM_TARGET_FPU)                                                                      \
    X(mve, NNOM_TARGET_MVE)                                                                                            \
    X(mve_fpu, NNOM_TARGET_MVE | NNOM_TARGET_FPU)                                                                      \
    X(avx2, NNOM_TARGET_AVX2)                                                                                          \
    X(vnni, NNOM_TARGET_AVX2 | NNOM_TARGET_VNNI)                                                                       \
    NNOM_TARGETS_CMSIS_NN(X)                                                                                           \
    NNOM_TARGETS_NEON(X)

#ifdef __aarch64__
#define NNOM_TARGETS_NEON(X) X(neon, NNOM_TARGET_NEON)
#else
#define NNOM_TARGETS_NEON(X)
#endif

#ifdef NNOM_CMSIS_NN
#define NNOM_TARGETS_CMSIS_NN(X) X(cmsis_nn, NNOM_TARGET_CMSIS_NN)
#else
#define NNOM_TARGETS_CMSIS_NN(X)
#endif

/* Target i of NNOM_TARGETS: its name, *bits its set; NULL past the last. */
const char *nnom_target_name(uint32_t i, uint32_t *bits);

/* The target whose kernels are the fastest on the computer that calls it, found when it runs. For models that are run there. */
uint32_t nnom_host_target(void);

/*
 * What the fast kernels of a layer may store. Plain size of float is its weights and biases, of int8 a byte a weight and 17 bytes of constants an output channel (the plain kernels
 * read 9), and up to 512 bytes a layer that fill up words and blocks.
 *   default   a tenth more than plain size
 *   speed     whatever pays
 *   size      a byte a weight at most; what kernels fill up is an eighth at most, beside 512 bytes
 */
typedef enum nnom_optimize { NNOM_OPTIMIZE_DEFAULT = 0, NNOM_OPTIMIZE_SPEED, NNOM_OPTIMIZE_SIZE } nnom_optimize_t;

/* Zero-initialised: the defaults. */
typedef struct nnom_options {
    nnom_mode_t mode;
    uint32_t arena_bytes; /* budget, 0: none */
    uint32_t fast_bytes;  /* two memories: the first region holds at most this much, the hottest data; 0: one memory */
    uint32_t target;      /* bits of nnom_target_t */
    nnom_optimize_t optimize;
    bool feed;    /* input rows come by nnom_feed(); for models of one input */
    bool endless; /* with feed: after the last row the next one begins the next window, without nnom_reset() */
    /* with feed and states: so many inputs after nnom_forget() give NNOM_MORE, since their outputs tell of rows never given */
    uint32_t warm_up;
    bool all_rows;      /* for who looks at outputs of layers: also rows that no layer reads are computed and kept */
    nnom_curve_t curve; /* told every plan considered, from the cheapest to the smallest; may be NULL */
    void *curve_context;
} nnom_options_t;

/* model_compile() with options. NNOM_TOO_SMALL: nnom_least() tells what is needed, as does the text. */
nnom_status_t nnom_compile(nnom_model_t *m, nnom_layer_t *in, nnom_layer_t *out, const nnom_options_t *options);

/* What a model needs that did not fit into its budget or the memory given. */
typedef struct {
    uint32_t arena_bytes; /* the least that fits; 0: the last compile succeeded, or failed otherwise */
    const char *layer;    /* the one that sets it, owned by the model; NULL if the plan is no matter of a budget */
} nnom_least_t;
/* After nnom_compile(), which fails with NNOM_TOO_SMALL. NNOM_NULL: one of the two is, or the model was not prepared. */
nnom_status_t nnom_least(const nnom_model_t *m, nnom_least_t *least);

/* ---- Facts of a compiled model ---- */

typedef struct {
    uint64_t macs;
    uint32_t arena_bytes;      /* arena as planned */
    uint32_t live_bytes;       /* no arena of this plan is smaller: the most in use together, overlaps counted once */
    uint32_t descriptor_bytes; /* layers and tables made by the builder */
    uint32_t weight_bytes;     /* weights, biases, multipliers, tables */
    uint32_t slow_bytes;       /* second region of the arena; arena_bytes is then the first alone */
    uint64_t cost;             /* the planner's estimate of instructions a run */
} nnom_totals_t;
nnom_status_t nnom_totals(const nnom_model_t *m, nnom_totals_t *totals);

typedef struct {
    const nnom_layer_t *layer;
    const char *name;       /* owned by the model, as are the other texts */
    const char *kind;       /* "Conv2D" */
    const char *activation; /* fused clamp: "ReLU", or "" */
    const char *lies_in;    /* a view or fused layer: the layer whose memory holds its output; else NULL */
    nnom_tensor_t out;      /* shape, type, quantisation, arena offset */
    uint64_t macs;
    uint32_t input_bytes; /* all inputs, whole */
    uint32_t output_bytes;
    uint32_t scratch_bytes;
    uint32_t scratch_offset;
    uint32_t weight_bytes;
    uint16_t first_step; /* life of the output: step 0 is before the first node, node n is step n + 1 */
    uint16_t last_step;
    uint16_t node; /* NNOM_NO_NODE: nothing runs */
    /* number of the rolling segment that runs it, from 0; -1: it runs whole, or nothing runs */
    int32_t segment;
    uint32_t counters; /* arena offset of that segment's counters: uint16 per node of it */
} nnom_layer_info_t;
/* Layer i in order of execution; NNOM_BAD_ARGUMENT past the last one. Not for frozen models. */
nnom_status_t nnom_layer_info(const nnom_model_t *m, uint32_t i, nnom_layer_info_t *info);
/* The node that makes a layer's output: that of another layer for views and fused activations. NNOM_NO_NODE: an input. */
uint16_t nnom_layer_output_node(const nnom_layer_t *layer);
/* ---- Freezing: hosts only (src/freeze) ---- */

/* Writes one piece of text; returns 0, or anything else to stop. */
typedef int (*nnom_write_t)(void *context, const char *text, size_t bytes);
/*
 * Writes the compiled model as C: the source (is_header false) or the header. `name` is a C identifier, the prefix of every symbol.
 * The self test uses the bytes now in the inputs' buffers, taken before a run of the model.
 * NNOM_UNSUPPORTED: a layer that has no C form (Lambda).
 */
nnom_status_t nnom_set_test_input(nnom_model_t *m, const void *rows); /* fed models: the self test's input [h][w][c] */
/* Where the model comes from, lines of text for a comment in the header. The caller's, alive until nnom_freeze(); NULL: none. */
nnom_status_t nnom_set_provenance(nnom_model_t *m, const char *lines);
nnom_status_t nnom_freeze(nnom_model_t *m, const char *name, bool is_header, nnom_write_t write, void *context);

#endif
