/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/*
 * Packing blocks into an arena: each is put at the lowest place where it fits, in several orders; the best order wins.
 */
#include "place.h"

#include "nnom_program.h"

enum { NNOM_HARDER = 50, NNOM_MANY = 4000, NNOM_AGAIN = 8, NNOM_FEW = 256 };

static uint32_t place_rounded(uint32_t bytes)
{
    return (bytes + 3u) & ~3u;
}

static bool together(const nnom_block_t *a, const nnom_block_t *b)
{
    return a->first <= b->last && b->first <= a->last;
}

typedef struct interval {
    int64_t lo;
    int64_t hi;
} interval_t;

/* Offsets of `b` strictly between lo and hi collide with `placed`. */
static interval_t collision(const nnom_block_t *blocks, uint16_t b, uint16_t placed)
{
    const nnom_block_t *block = &blocks[b], *other = &blocks[placed];
    interval_t i = {(int64_t)other->offset - place_rounded(block->bytes),
                    (int64_t)other->offset + place_rounded(other->bytes)};
    if (block->above == placed && block->distance < place_rounded(block->bytes)) {
        i.lo = (int64_t)other->offset - place_rounded(block->distance);
    }
    if (other->above == b && other->distance < place_rounded(other->bytes)) {
        i.hi = (int64_t)other->offset + place_rounded(other->distance);
    }
    return i;
}

/* True if `offset` collides with none of the placed blocks; else *next is past the collision. */
static bool fits(const nnom_block_t *blocks, const uint16_t *order, uint32_t placed, uint16_t b, int64_t offset,
                 int64_t *next)
{
    for (uint32_t k = 0; k < placed; k++) {
        if (together(&blocks[b], &blocks[order[k]])) {
            const interval_t i = collision(blocks, b, order[k]);
            if (offset > i.lo && offset < i.hi) {
                *next = i.hi;
                return false;
            }
        }
    }
    return true;
}

/*
 * Stops early once `limit` is exceeded: the order is worse than what is known. *highest: position of the block that
 * ends the highest.
 */
static uint64_t place_in_order(nnom_block_t *blocks, uint32_t n, const uint16_t *order, uint64_t limit,
                               uint32_t *highest)
{
    uint64_t top = 0;
    for (uint32_t k = 0; k < n; k++) {
        nnom_block_t *block = &blocks[order[k]];
        int64_t offset = 0;
        while (!fits(blocks, order, k, order[k], offset, &offset)) {
        }
        block->offset = (uint32_t)offset;
        const uint64_t end = (uint64_t)offset + place_rounded(block->bytes);
        if (end > top) {
            top = end;
            *highest = k;
        }
        if (top > limit) {
            return UINT64_MAX;
        }
    }
    return top;
}

/* ---- Orders ---- */

typedef bool (*before_t)(const nnom_block_t *a, const nnom_block_t *b);

static bool larger(const nnom_block_t *a, const nnom_block_t *b)
{
    return a->bytes > b->bytes;
}

static bool later(const nnom_block_t *a, const nnom_block_t *b)
{
    return a->first > b->first;
}

static bool earlier(const nnom_block_t *a, const nnom_block_t *b)
{
    return a->first < b->first;
}

/* Later first, but small ones, as most scratch is, after all others: in between they push chains of overlapping blocks apart. */
static bool later_and_large(const nnom_block_t *a, const nnom_block_t *b)
{
    enum { SMALL = 1024 };
    const bool small = a->bytes < SMALL;
    return small != (b->bytes < SMALL) ? !small : later(a, b);
}

static bool longer(const nnom_block_t *a, const nnom_block_t *b)
{
    return a->last - a->first > b->last - b->first;
}

static void sort(const nnom_block_t *blocks, uint16_t *order, uint32_t n, before_t before)
{
    for (uint32_t k = 1; k < n; k++) {
        const uint16_t b = order[k];
        uint32_t i = k;
        for (; i > 0 && before(&blocks[b], &blocks[order[i - 1]]); i--) {
            order[i] = order[i - 1];
        }
        order[i] = b;
    }
}

static uint32_t random_next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void copy_order(uint16_t *to, const uint16_t *from, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        to[k] = from[k];
    }
}

/* Moves a block to another place in the order. */
static void place_move(uint16_t *order, uint32_t from, uint32_t to)
{
    const uint16_t b = order[from];
    for (uint32_t k = from; k < to; k++) {
        order[k] = order[k + 1];
    }
    for (uint32_t k = from; k > to; k--) {
        order[k] = order[k - 1];
    }
    order[to] = b;
}

/* The best order so far. */
typedef struct best {
    uint64_t bytes;
    uint32_t highest;
    uint16_t *order; /* [n] */
} best_t;

/* Places in `order` and keeps it if it is not worse: of equals the later one, to get around. */
static void try_order(nnom_block_t *blocks, uint32_t n, const uint16_t *order, best_t *best)
{
    uint32_t highest = 0;
    const uint64_t bytes = place_in_order(blocks, n, order, best->bytes, &highest);
    if (bytes <= best->bytes) {
        best->bytes = bytes;
        best->highest = highest;
        copy_order(best->order, order, n);
    }
}

/* Every other time it is the block at the top that is placed earlier, else any block anywhere. */
static void mutate(uint16_t *order, uint32_t n, uint32_t highest, uint32_t *state)
{
    if (highest > 0 && (random_next(state) & 1u) != 0) {
        place_move(order, highest, random_next(state) % highest);
    } else {
        const uint32_t from = random_next(state) % n;
        place_move(order, from, random_next(state) % n);
    }
}

/* Chance may gain a little more, each time in n^2 steps: of many blocks only what is above the goal is worth it. */
static bool try_again(uint32_t n, uint32_t t, uint32_t tries, const best_t *best, uint64_t goal)
{
    const bool above = best->bytes > goal;
    if (n > NNOM_MANY) {
        return t < tries && above;
    }
    return n > 2 && (t < tries || (t < tries * NNOM_HARDER && above));
}

/* order: the blocks to place [n], then working memory [n]. Above `goal` bytes it tries NNOM_HARDER times as often. */
static uint64_t place_members(nnom_block_t *blocks, uint32_t n, uint16_t *order, uint32_t tries, uint64_t goal)
{
    static const before_t rules[] = {later, later_and_large, larger, earlier, longer};
    best_t best = {UINT64_MAX, 0, order + n};
    copy_order(best.order, order, n);
    for (uint32_t r = 0; r < sizeof rules / sizeof rules[0]; r++) {
        sort(blocks, order, n, rules[r]);
        try_order(blocks, n, order, &best);
    }
    uint32_t state = 1;
    for (uint32_t t = 0; try_again(n, t, tries, &best, goal); t++) {
        copy_order(order, best.order, n);
        mutate(order, n, best.highest, &state);
        try_order(blocks, n, order, &best);
    }
    return n == 0 ? 0 : place_in_order(blocks, n, best.order, UINT64_MAX, &best.highest);
}

/* ---- Bounds ---- */

static bool place_live(const nnom_block_t *block, uint16_t time)
{
    return block->first <= time && time <= block->last;
}

/* Bytes that an output and the input above it save by overlapping, at best. */
static uint64_t saved(const nnom_block_t *blocks, uint32_t b)
{
    const uint64_t below = place_rounded(blocks[b].bytes), above = place_rounded(blocks[blocks[b].above].bytes);
    const uint64_t end = above + place_rounded(blocks[b].distance), joint = end > below ? end : below;
    return below + above > joint ? below + above - joint : 0;
}

/* The most that lives at one time; the maximum is reached where some block begins. less: less what overlaps save then. */
static uint64_t place_most(const nnom_block_t *blocks, uint32_t n, bool less)
{
    uint64_t most = 0;
    for (uint32_t k = 0; k < n; k++) {
        const uint16_t time = blocks[k].first;
        uint64_t sum = 0, less_sum = 0;
        for (uint32_t i = 0; i < n; i++) {
            const bool live = place_live(&blocks[i], time);
            const bool over = live && blocks[i].above != NNOM_NO_BLOCK && place_live(&blocks[blocks[i].above], time);
            sum += live ? place_rounded(blocks[i].bytes) : 0;
            less_sum += less && over ? saved(blocks, i) : 0;
        }
        most = sum - less_sum > most ? sum - less_sum : most;
    }
    return most;
}

/* At one time an input has one output that overlaps it: no block is saved twice. */
uint32_t nnom_live_bytes(const nnom_block_t *blocks, uint32_t n)
{
    const uint64_t most = place_most(blocks, n, true);
    return most > UINT32_MAX ? UINT32_MAX : (uint32_t)most;
}

/* Overlaps make the sum of what lives together no goal: above the sum less all that they save it tries again, and
 * longer. */
uint64_t nnom_place(nnom_block_t *blocks, uint32_t n, uint16_t *order, uint32_t tries)
{
    const uint64_t goal = place_most(blocks, n, false), least = place_most(blocks, n, true);
    uint64_t bytes[3];
    for (uint32_t round = 0; round < 3; round++) { /* the last one: as the first, which was no worse */
        for (uint32_t k = 0; k < n; k++) {
            order[k] = (uint16_t)k;
        }
        bytes[round] = place_members(blocks, n, order, round == 1 ? tries * NNOM_AGAIN : tries, goal);
        if ((round == 0 && (n > NNOM_FEW || bytes[0] <= least)) || (round == 1 && bytes[1] < bytes[0])) {
            return bytes[round];
        }
    }
    return bytes[2];
}

/* ---- Two regions ---- */

/* What is read and written often for its size should lie in the fast region. */
static bool hotter(const nnom_block_t *a, const nnom_block_t *b)
{
    return a->offset > b->offset; /* not placed yet */
}

uint64_t nnom_place_regions(nnom_block_t *blocks, uint32_t n, uint16_t *order, uint32_t fast_bytes,
                            uint64_t *slow_bytes)
{
    uint16_t *by_heat = order + 2 * n;
    uint32_t fast = 0;
    for (uint32_t k = 0; k < n; k++) {
        by_heat[k] = (uint16_t)k;
    }
    sort(blocks, by_heat, n, hotter);
    for (uint32_t k = 0; k < n; k++) { /* by_heat[0 .. fast): those that are in */
        const uint16_t b = by_heat[k];
        copy_order(order, by_heat, fast);
        order[fast] = b;
        if (place_members(blocks, fast + 1, order, 0, 0) <= fast_bytes) {
            by_heat[k] = by_heat[fast];
            by_heat[fast++] = b;
        }
    }
    copy_order(order, by_heat + fast, n - fast);
    *slow_bytes = place_members(blocks, n - fast, order, 0, 0);
    for (uint32_t k = fast; k < n; k++) {
        blocks[by_heat[k]].offset |= NNOM_SLOW;
    }
    copy_order(order, by_heat, fast);
    return place_members(blocks, fast, order, 0, 0);
}
