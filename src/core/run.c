/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Running a program. This file and the operations are all that a frozen model links. */
#include "nnom.h"

static void notify(const nnom_model_t *m, uint32_t node, nnom_event_t event)
{
    if (m->observer != NULL) {
        m->observer(m->observer_context, m, node, event);
    }
}

static int32_t rows_to_run(const nnom_program_t *program, const nnom_node_t *node)
{
    const bool reduces = (node->op->flags & NNOM_OP_REDUCES) != 0;
    return program->tensors[reduces ? node->inputs[0] : node->output].shape.h;
}

nnom_status_t model_run(nnom_model_t *m)
{
    if (m == NULL || m->program == NULL) {
        return NNOM_NOT_COMPILED;
    }
    const nnom_program_t *program = m->program;
    int32_t status = NNOM_OK;
    for (uint32_t n = 0; n < program->node_count && status == NNOM_OK; n++) {
        const nnom_node_t *node = &program->nodes[n];
        const nnom_call_t call = {program, node, m->arena, {0, rows_to_run(program, node)}, &status};
        notify(m, n, NNOM_EVENT_BEGIN);
        node->op->run(&call);
        notify(m, n, NNOM_EVENT_END);
    }
    return (nnom_status_t)status;
}

/* ---- Inputs and outputs ---- */

uint32_t nnom_input_count(const nnom_model_t *m)
{
    return m != NULL && m->program != NULL ? m->program->input_count : 0;
}

uint32_t nnom_output_count(const nnom_model_t *m)
{
    return m != NULL && m->program != NULL ? m->program->output_count : 0;
}

const nnom_tensor_t *nnom_input_tensor(const nnom_model_t *m, uint32_t i)
{
    return i < nnom_input_count(m) ? &m->program->tensors[m->program->inputs[i]] : NULL;
}

const nnom_tensor_t *nnom_output_tensor(const nnom_model_t *m, uint32_t i)
{
    return i < nnom_output_count(m) ? &m->program->tensors[m->program->outputs[i]] : NULL;
}

void *nnom_input_buffer(nnom_model_t *m, uint32_t i)
{
    const nnom_tensor_t *tensor = nnom_input_tensor(m, i);
    return tensor != NULL ? nnom_tensor_rows(tensor, m->arena).data : NULL;
}

const void *nnom_output_buffer(const nnom_model_t *m, uint32_t i)
{
    const nnom_tensor_t *tensor = nnom_output_tensor(m, i);
    return tensor != NULL ? nnom_tensor_rows(tensor, m->arena).data : NULL;
}

static uint32_t tensor_bytes(const nnom_tensor_t *tensor)
{
    return tensor != NULL ? (uint32_t)tensor->shape.h * (uint32_t)tensor->row_bytes : 0;
}

uint32_t nnom_input_bytes(const nnom_model_t *m, uint32_t i)
{
    return tensor_bytes(nnom_input_tensor(m, i));
}

uint32_t nnom_output_bytes(const nnom_model_t *m, uint32_t i)
{
    return tensor_bytes(nnom_output_tensor(m, i));
}

uint32_t nnom_node_count(const nnom_model_t *m)
{
    return m != NULL && m->program != NULL ? m->program->node_count : 0;
}

void nnom_set_observer(nnom_model_t *m, nnom_observer_t observer, void *context)
{
    if (m != NULL) {
        m->observer = observer;
        m->observer_context = context;
    }
}
