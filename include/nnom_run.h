/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Running a model: all that firmware with a converted model needs. Every name begins with nnom_ or NNOM_. A model built by
 * hand (nnom.h) holds an instance, too, so that these calls are the same for both.
 *
 * Threads: one instance is used by one thread at a time; instances share nothing but their constant programs.
 */
#ifndef NNOM_RUN_H
#define NNOM_RUN_H

#include "nnom_program.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NNOM_VERSION "1.0.0"

/* ---- Status ---- */

/* One list gives the enum and the texts of nnom_status_text(). */
#define NNOM_STATUS_LIST(X)                                                                                            \
    X(NNOM_OK, 0, "ok")                                                                                                \
    X(NNOM_NO_MEMORY, -1, "out of memory")                                                                             \
    X(NNOM_NULL, -2, "a required pointer is NULL")                                                                     \
    X(NNOM_BAD_SHAPE, -3, "shapes do not fit")                                                                         \
    X(NNOM_BAD_ARGUMENT, -4, "argument out of range")                                                                  \
    X(NNOM_BAD_GRAPH, -5, "layers are not connected as a graph from inputs to outputs")                                \
    X(NNOM_BAD_QUANT, -6, "quantisation out of range")                                                                 \
    X(NNOM_TOO_SMALL, -7, "buffer too small")                                                                          \
    X(NNOM_OVERFLOW, -8, "a size or sum does not fit its integer")                                                     \
    X(NNOM_UNSUPPORTED, -9, "not supported")                                                                           \
    X(NNOM_NOT_COMPILED, -10, "the model is not compiled")                                                             \
    X(NNOM_SELFTEST, -11, "the self test's output differs")                                                            \
    X(NNOM_IO, -12, "writing failed")                                                                                  \
    X(NNOM_FED, -13, "the model's input comes by nnom_feed")                                                           \
    X(NNOM_NOT_FED, -14, "the model is not compiled for nnom_feed")                                                    \
    X(NNOM_OTHER_ABI, -15, "the model was converted for another version of the library")                               \
    X(NNOM_OTHER_STATE, -16, "the saved state is of another model, or damaged")                                        \
    X(NNOM_MORE, 1, "more input is needed")

typedef enum nnom_status {
#define NNOM_STATUS_ENUM(name, value, text) name = (value),
    NNOM_STATUS_LIST(NNOM_STATUS_ENUM)
#undef NNOM_STATUS_ENUM
} nnom_status_t;

/* Text of a status; static, never NULL. */
const char *nnom_status_text(nnom_status_t status);

/* ---- Instance ---- */

typedef enum nnom_event { NNOM_EVENT_BEGIN = 0, NNOM_EVENT_END = 1 } nnom_event_t;

/* Called before and after every step of node `node` (index into the program, order of execution). */
typedef void (*nnom_observer_t)(void *context, const nnom_instance_t *instance, uint32_t node, nnom_event_t event);

/*
 * A program with its memory, and where its run stands: all that a converted model keeps in RAM beside its arena. Filled
 * by the code of a converted model, or by compile. The members are private.
 */
struct nnom_instance {
    const nnom_program_t *program; /* NULL until compiled */
    nnom_arena_t arena;
    uint32_t step;    /* where in the schedule a rolling run is: next step of the segment ... */
    uint32_t segment; /* ... and the segment */
    int32_t taken;    /* rows of the input that steps asked for */
    int32_t fed;      /* rows of the input given so far */
    uint32_t started; /* 0: the states hold nothing yet; else 1 and the runs since their start, less whole periods */
    nnom_observer_t observer;
    void *observer_context;
};

/* ---- Running ---- */

/*
 * Runs the whole model once: reads the inputs' buffers, writes the outputs'. NNOM_OK; NNOM_NOT_COMPILED without a program;
 * NNOM_FED if its input comes by nnom_feed(); else what a Lambda of a model built by hand returned.
 */
nnom_status_t nnom_run(nnom_instance_t *instance);

/*
 * Runs n samples one after another, as n times nnom_run(). inputs [nnom_input_count()]: of input i all samples, [n][nnom_input_bytes(i)];
 * outputs [nnom_output_count()]: where those of output i go, [n][nnom_output_bytes(i)]; NULL, or outputs[i] NULL: not wanted. The arrays
 * are the caller's, of any alignment, and no part of the arena. A fed model gets the rows of each sample at once, from the first row on.
 * States go from each sample to the next, and from the last call to this one: nnom_forget() before it starts anew. Outputs of runs
 * that warm up are handed out, too.
 * NNOM_OK; NNOM_NULL for a missing input, and nothing ran; NNOM_NOT_COMPILED; else the first error of a run: the samples before
 * it have their outputs, the others are as they were. It uses no threads and takes no memory: a thread each may do a part of the samples
 * with an instance of its own, that is, the program with an arena of its own.
 */
nnom_status_t nnom_run_many(nnom_instance_t *instance, const void *const *inputs, void *const *outputs, uint32_t n);

/*
 * Feeding, for models compiled or converted for it: n rows of the input as they come, [n][w][c]. NNOM_MORE, or NNOM_OK when
 * the last row was given and the outputs are complete. A model with warm_up gives NNOM_MORE for as many inputs after nnom_forget(),
 * since their outputs would tell of rows that were never given. NNOM_NOT_FED if the model runs whole inputs; NNOM_BAD_ARGUMENT for more
 * rows than are left (nothing is taken then) and after the end; else what a Lambda returned. After a Lambda's error, and after
 * the end unless the model was compiled for input without end, nnom_reset() comes first.
 */
nnom_status_t nnom_feed(nnom_instance_t *instance, const void *rows, uint32_t n);
/* The same for `bytes` bytes: NNOM_BAD_SHAPE unless they are whole rows. */
nnom_status_t nnom_feed_bytes(nnom_instance_t *instance, const void *rows, uint32_t bytes);
/* Forgets rows given so far: the next row is the first. States keep their values. */
void nnom_reset(nnom_instance_t *instance);
/* nnom_reset(), and the states take their values at the start. Also done before the first run. */
void nnom_forget(nnom_instance_t *instance);

/* ---- States, kept elsewhere and put back: over a sleep that loses RAM, or one model for several signals ---- */

/* Bytes that nnom_state_save() writes: 12 more than the states. 0 without a program. */
uint32_t nnom_state_bytes(const nnom_instance_t *instance);
/*
 * Writes what the runs so far leave for the next to `to` [nnom_state_bytes()], of any alignment, the caller's. NNOM_OK; NNOM_NULL;
 * NNOM_NOT_COMPILED; NNOM_TOO_SMALL for fewer bytes; NNOM_MORE in the midst of a fed input, which is no state: feed it to its end, or
 * nnom_reset(). Bytes lie in the order of the core: another core's are refused if that differs.
 */
nnom_status_t nnom_state_save(nnom_instance_t *instance, void *to, uint32_t bytes);
/*
 * Puts it back: the next row is the first of an input, and runs give what they would have given. NNOM_OTHER_STATE, and nothing
 * changed, unless nnom_state_save() of the same model wrote these bytes (shapes, types and quantisation of all its tensors are
 * compared, weights are not); NNOM_TOO_SMALL for fewer than nnom_state_bytes(); NNOM_NULL; NNOM_NOT_COMPILED.
 */
nnom_status_t nnom_state_restore(nnom_instance_t *instance, const void *from, uint32_t bytes);

/*
 * Runs a classifier with one vector as output 0: the most probable class and its probability (0..1; for a single output:
 * label 1 if it is over one half). Either pointer may be NULL. NNOM_UNSUPPORTED if the output is int32, as of ArgMax: indices
 * are no scores; else as nnom_run().
 */
nnom_status_t nnom_classify(nnom_instance_t *instance, uint32_t *label, float *prob);

/*
 * Of a converted model's self test: param_bytes [node_count] holds the size of each node's parameters as the model's file sees it.
 * NNOM_OTHER_ABI if the library's differ.
 */
nnom_status_t nnom_check_params(const nnom_instance_t *instance, const uint16_t *param_bytes);

/* ---- Ports: buffers in the arena or the caller's, alive as long as the instance ---- */

uint32_t nnom_input_count(const nnom_instance_t *instance);
uint32_t nnom_output_count(const nnom_instance_t *instance);
/* NULL if i is out of range. The input of a fed model has no buffer that could be filled: nnom_feed() takes its rows. */
void *nnom_input_buffer(nnom_instance_t *instance, uint32_t i);
const void *nnom_output_buffer(const nnom_instance_t *instance, uint32_t i);
uint32_t nnom_input_bytes(const nnom_instance_t *instance, uint32_t i);
uint32_t nnom_output_bytes(const nnom_instance_t *instance, uint32_t i);
/* Shape, type, scale, zero point of an input or output; NULL if i is out of range or there is no program. */
const nnom_tensor_t *nnom_input_tensor(const nnom_instance_t *instance, uint32_t i);
const nnom_tensor_t *nnom_output_tensor(const nnom_instance_t *instance, uint32_t i);

/* ---- Watching ---- */

uint32_t nnom_node_count(const nnom_instance_t *instance);
/* NULL: nobody watches. `context` is handed to each call. */
void nnom_set_observer(nnom_instance_t *instance, nnom_observer_t observer, void *context);
/* For observers: where the output of a node lies; *tensor tells its shape, type, quantisation. NULL if out of range. */
const void *nnom_node_output(const nnom_instance_t *instance, uint32_t node, const nnom_tensor_t **tensor);
/* The same for output i of a node that has several; NULL also where nobody reads it. Output 0 is nnom_node_output()'s. */
const void *nnom_node_part(const nnom_instance_t *instance, uint32_t node, uint32_t i, const nnom_tensor_t **tensor);

/* ---- Layers, for people: what the program does not need of a node. Linked only where it is used. ---- */

/* A converted model has NAME_layers[nnom_node_count()], in order of execution. */
typedef struct nnom_layer_row {
    const char *name;       /* "conv1" */
    const char *kind;       /* "Conv2D" */
    const char *activation; /* fused clamp: "ReLU", or "" */
    uint64_t macs;
} nnom_layer_row_t;

/* Prints (NNOM_LOG) a table: names, output shapes, MACs, bytes. Nothing without a program. */
void nnom_print_layers(const nnom_instance_t *instance, const nnom_layer_row_t *rows);

/* Counts up and wraps at 2^32: cycles, microseconds, instructions. No step of a node may take longer. */
typedef uint32_t (*nnom_clock_t)(void);

/* The members are private. */
typedef struct nnom_profile {
    nnom_clock_t clock;
    uint64_t *ticks;
    uint32_t begin;
    uint32_t overhead; /* that a step without work shows: taken off */
} nnom_profile_t;

/*
 * From now on the ticks of each node are added up, over all its steps and all runs, until nnom_set_observer(instance, NULL, NULL).
 * *profile and ticks [nnom_node_count()], which is cleared, are the caller's and live as long. clock NULL: the port's microseconds.
 */
void nnom_profile_start(nnom_profile_t *profile, nnom_instance_t *instance, uint64_t *ticks, nnom_clock_t clock);
/* Prints (NNOM_LOG) ticks and MACs of each node, and their sums. */
void nnom_profile_print(const nnom_profile_t *profile, const nnom_instance_t *instance, const nnom_layer_row_t *rows);

/* ---- Real numbers and stored ones: of a tensor's scale and zero point, as the layer Quantize has it (SPEC.md) ---- */

/* To the nearest, halves away from zero, within least..most; NaN is least. |zero_point| <= 65535. */
static inline int32_t nnom_stored(float x, float scale, int32_t zero_point, int32_t least, int32_t most)
{
    const float q = x / scale;
    if (!(q > -1e6f)) {
        return least;
    }
    if (q > 1e6f) {
        return most;
    }
    const int32_t cut = (int32_t)q;
    const float rest = q - (float)cut; /* exact */
    const int32_t y = cut + (rest >= 0.5f ? 1 : 0) - (rest <= -0.5f ? 1 : 0) + zero_point;
    return y < least ? least : (y > most ? most : y);
}

static inline float nnom_real(int32_t q, float scale, int32_t zero_point)
{
    return scale * (float)(q - zero_point);
}

#ifdef __cplusplus
}
#endif

#endif
