/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* The two examples of the README of 2019, compiled as they stand there: for the tests, and for the heap on a board. */
#ifndef README2019_H
#define README2019_H

#include "nnom.h"

#define INPUT_HIGHT 1
#define INPUT_WIDTH 128
#define INPUT_CH 9

#define model (*m)

/* The sequential network. w, b: of the convolution and of the two dense layers; in [1152], out [6]. */
static nnom_status_t readme_sequential(nnom_model_t *m, const nnom_weight_t *w, const nnom_bias_t *b, int8_t *input_buf,
                                       int8_t *output_buf)
{
    const nnom_weight_t *const conv_w = &w[0], *const dense_w = &w[1];
    const nnom_bias_t *const conv_b = &b[0], *const dense_b = &b[1];
#define c1_w conv_w[0]
#define c1_b conv_b[0]
#define ip1_w dense_w[0]
#define ip2_w dense_w[1]
#define ip1_b dense_b[0]
#define ip2_b dense_b[1]
    /* clang-format off */
    model.add(&model, Input(shape(INPUT_HIGHT, INPUT_WIDTH, INPUT_CH), qformat(7, 0), input_buf));
    model.add(&model, Conv2D(16, kernel(1, 9), stride(1, 2), PADDING_SAME, &c1_w, &c1_b)); // c1_w, c1_b are weights and bias
    model.add(&model, ReLU());
    model.add(&model, MaxPool(kernel(1, 4), stride(1, 4), PADDING_VALID));
    model.add(&model, Dense(128, &ip1_w, &ip1_b));
    model.add(&model, ReLU());
    model.add(&model, Dense(6, &ip2_w, &ip2_b));
    model.add(&model, Softmax());
    model.add(&model, Output(shape(6, 1, 1), qformat(7, 0), output_buf));
    /* clang-format on */

    return sequencial_compile(&model);
}

/* The Inception network. w, b: of three convolutions and of the two dense layers. */
static nnom_status_t readme_inception(nnom_model_t *m, const nnom_weight_t *w, const nnom_bias_t *b, int8_t *input_buf,
                                      int8_t *output_buf)
{
    const nnom_weight_t *const conv_w = &w[0], *const dense_w = &w[3];
    const nnom_bias_t *const conv_b = &b[0], *const dense_b = &b[3];
#define c2_w conv_w[1]
#define c3_w conv_w[2]
#define c2_b conv_b[1]
#define c3_b conv_b[2]
    /* clang-format off */
    nnom_layer_t *input_layer, *x, *x1, *x2, *x3;

    input_layer = Input(shape(INPUT_HIGHT, INPUT_WIDTH, INPUT_CH), qformat(7, 0), input_buf);

    // conv2d
    x = model.hook(Conv2D(16, kernel(1, 9), stride(1, 2), PADDING_SAME, &c1_w, &c1_b), input_layer);
    x = model.active(act_relu(), x);
    x = model.hook(MaxPool(kernel(1, 2), stride(1, 2), PADDING_VALID), x);

    // parallel Inception 1 - conv2d
    x1 = model.hook(Conv2D(16, kernel(1, 5), stride(1, 1), PADDING_SAME, &c2_w, &c2_b), x); // hooked to x
    x1 = model.active(act_relu(), x1);
    x1 = model.hook(MaxPool(kernel(1, 2), stride(1, 2), PADDING_VALID), x1);

    //  parallel Inception 2 - conv2d
    x2 = model.hook(Conv2D(16, kernel(1, 3), stride(1, 1), PADDING_SAME, &c3_w, &c3_b), x); // hooked to x
    x2 = model.active(act_relu(), x2);
    x2 = model.hook(MaxPool(kernel(1, 2), stride(1, 2), PADDING_VALID), x2);

    //  parallel Inception 3 - maxpool
    x3 = model.hook(MaxPool(kernel(1, 2), stride(1, 2), PADDING_VALID), x); // hooked to x

    // concatenate 3 parallel.
    x = model.mergex(Concat(-1), 3, x1, x2, x3); // new merge API.

    // flatten & dense
    x = model.hook(Flatten(), x);
    x = model.hook(Dense(128, &ip1_w, &ip1_b), x);
    x = model.active(act_relu(), x);
    x = model.hook(Dense(6, &ip2_w, &ip2_b), x);
    x = model.hook(Softmax(), x);
    x = model.hook(Output(shape(6,1,1), qformat(7, 0), output_buf), x);
    /* clang-format on */

    return model_compile(&model, input_layer, x);
}

#undef model
#undef c1_w
#undef c1_b
#undef c2_w
#undef c2_b
#undef c3_w
#undef c3_b
#undef ip1_w
#undef ip1_b
#undef ip2_w
#undef ip2_b

#endif
