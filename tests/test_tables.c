/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * int8 tables of tanh and the logistic function against TFLite Micro's reference kernels. Expected: the FNV-1a hash of
 * what those gave for all 256 inputs. A program of its own: link it with the core; prints "N passed, M failed".
 */
#include "../src/layers/lut.h"

#include <math.h>
#include <stdio.h>

typedef struct expected {
    int32_t numerator, bits; /* input scale = numerator * 2^-bits */
    int32_t zero_point;
    uint32_t tanh, logistic;
} expected_t;

static const expected_t cases[] = {
    {1, 7, 0, 0x277bdc00u, 0xb73ca360u},       {1, 5, 0, 0x8feb3015u, 0x6c7d5444u},
    {1, 4, 0, 0x9c9269efu, 0x8feb3015u},       {3, 3, -128, 0xeebe5240u, 0x14f9971du},
    {5, 8, 127, 0x5d139b58u, 0xa886bd8cu},     {77, 10, -7, 0x429dac5eu, 0xc54bee5du},
    {123, 11, 91, 0x589a58deu, 0x4c14ed4bu},   {9, 12, 61, 0x78ad6c9fu, 0xdaf13be6u},
    {2049, 16, -35, 0x9dce0de2u, 0xfd75d734u}, {7, 1, 3, 0x04d0bee9u, 0xcbaa8c4eu},
    {19, 1, -1, 0x38710e45u, 0x38710e45u},     {1001, 20, 12, 0xd7cef78cu, 0x0ac1dfbbu},
};

static uint32_t hash(const int8_t *table)
{
    uint32_t h = 2166136261u;
    for (int32_t i = 0; i < NNOM_TABLE_SIZE; i++) {
        h = (h ^ (uint8_t)table[i]) * 16777619u;
    }
    return h;
}

int main(void)
{
    const uint32_t count = (uint32_t)(sizeof cases / sizeof cases[0]);
    uint32_t failed = 0;
    for (uint32_t i = 0; i < count; i++) {
        const expected_t *e = &cases[i];
        nnom_tensor_t in = {0};
        int8_t table[NNOM_TABLE_SIZE];
        in.scale = ldexpf((float)e->numerator, (int)-e->bits);
        in.zero_point = e->zero_point;
        nnom_table_tanh(&in, &in, 0.0f, table);
        const bool tanh_good = hash(table) == e->tanh;
        nnom_table_logistic(&in, &in, 0.0f, table);
        const bool logistic_good = hash(table) == e->logistic;
        if (!tanh_good || !logistic_good) {
            printf("FAIL scale %ld * 2^-%ld, zero point %ld: tanh %s, logistic %s\n", (long)e->numerator, (long)e->bits,
                   (long)e->zero_point, tanh_good ? "good" : "differs", logistic_good ? "good" : "differs");
            failed++;
        }
    }
    printf("%lu passed, %lu failed\n", (unsigned long)(count - failed), (unsigned long)failed);
    return failed == 0 ? 0 : 1;
}
