/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* Models as nobody should write them: random layers with arguments that are sometimes absurd, connected in random ways. */
#ifndef RANDOM_NET_H
#define RANDOM_NET_H

#include "refuse.h"

enum { MOST = 8 };

/* The layers of a try, and which of them are connected: who shares a group is owned, or discarded, together. */
typedef struct net {
    nnom_layer_t *layers[MOST];
    int32_t group[MOST];
    bool owned[MOST]; /* by the model */
    int32_t count;
} net_t;

/* 2 to MOST random layers, connected. */
void net_make(nnom_model_t *m, net_t *net);
/* From mostly the first layer to mostly the last, or to what is found; options may be NULL. */
nnom_status_t net_compile(nnom_model_t *m, net_t *net, const nnom_options_t *options);
/* A random layer of one input that no one owns, or NULL. */
nnom_layer_t *net_layer(void);
/* Frees what no model owns. */
void net_discard(net_t *net);

#endif
