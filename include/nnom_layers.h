/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Further layers, most of them for converted models. Included by nnom.h; the rules of its constructors hold here too.
 */
#ifndef NNOM_LAYERS_H
#define NNOM_LAYERS_H

/* ---- Activations ---- */

nnom_activation_t *act_relu_n1_to_1(void); /* clamps to [-1, 1] */

/* Softmax of beta times its input, beta > 0. */
nnom_layer_t *nnom_softmax(float beta);

/* ---- Moving data: the input's quantisation stays ---- */

/* size elements along each axis from begin on, every step-th (negative: backwards). */
nnom_layer_t *Slice(nnom_shape_t begin, nnom_shape_t size, nnom_shape_t step);
/* Adds rows, columns and channels (front before, back after) that hold `value`. */
nnom_layer_t *Pad(nnom_border_t border, int32_t front, int32_t back, float value);

#endif
