/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */
/* A front end for sound as C: its tables as constants. Hosts only. What it writes belongs to the user. */
#include "nnom_audio.h"

#include <inttypes.h>

#include "freeze.h"

/* An array of the tables, or nothing for NULL. */
static void freeze_audio_array(nnom_writer_t *w, const char *member, const void *data, uint32_t count, nnom_type_t type)
{
    if (data != NULL) {
        nnom_writer_print(w, "static const %s %s_%s[%" PRIu32 "] = {", nnom_type_facts(type)->c_type, w->name, member,
                          count);
        nnom_writer_values(w, data, count, type);
        nnom_writer_print(w, "\n};\n");
    }
}

static void freeze_audio_member(nnom_writer_t *w, const char *member, const void *data)
{
    nnom_writer_print(w, data != NULL ? "    .%s = %s_%s,\n" : "    .%s = NULL,\n", member, w->name, member);
}

static void freeze_audio_real(nnom_writer_t *w, const char *member, float x)
{
    nnom_writer_print(w, "    .%s = ", member);
    nnom_writer_float(w, x);
    nnom_writer_print(w, ",\n");
}

static void freeze_audio_number(nnom_writer_t *w, const char *member, int32_t x)
{
    nnom_writer_print(w, "    .%s = %" PRId32 ",\n", member, x);
}

static void freeze_audio_widths(nnom_writer_t *w, const uint16_t *widths, uint32_t channels)
{
    nnom_writer_print(w, "static const uint16_t %s_widths[%" PRIu32 "] = {", w->name, channels + 1);
    for (uint32_t i = 0; i <= channels; i++) {
        nnom_writer_print(w, i % 16 == 0 ? "\n    %u," : " %u,", (unsigned)widths[i]);
    }
    nnom_writer_print(w, "\n};\n");
}

static uint32_t freeze_audio_bins(const uint16_t *widths, uint32_t channels)
{
    uint32_t bins = 0;
    for (uint32_t i = 0; i <= channels; i++) {
        bins += widths[i];
    }
    return bins;
}

static void freeze_audio_fixed_arrays(nnom_writer_t *w, const nnom_audio_t *audio)
{
    const nnom_audio_fixed_t *f = audio->tables;
    const uint32_t n = (uint32_t)1 << (f->fft_bits - 1);
    freeze_audio_array(w, "window", f->window, audio->window, NNOM_TYPE_S16);
    freeze_audio_array(w, "twiddles", f->twiddles, 3 * n / 4 * 2, NNOM_TYPE_S16);
    freeze_audio_array(w, "split", f->split, n, NNOM_TYPE_S16);
    freeze_audio_widths(w, f->widths, f->channels);
    freeze_audio_array(w, "weights", f->weights, 2 * freeze_audio_bins(f->widths, f->channels), NNOM_TYPE_S16);
    freeze_audio_array(w, "gains", f->gains, NNOM_AUDIO_GAINS, NNOM_TYPE_S16);
    freeze_audio_array(w, "cosines", f->cosines, (uint32_t)audio->columns * f->channels, NNOM_TYPE_S16);
}

static void freeze_audio_fixed(nnom_writer_t *w, const nnom_audio_t *audio)
{
    const nnom_audio_fixed_t *f = audio->tables;
    freeze_audio_fixed_arrays(w, audio);
    nnom_writer_print(w, "static const nnom_audio_fixed_t %s_tables = {\n", w->name);
    freeze_audio_member(w, "window", f->window);
    freeze_audio_member(w, "twiddles", f->twiddles);
    freeze_audio_member(w, "split", f->split);
    freeze_audio_member(w, "widths", f->widths);
    freeze_audio_member(w, "weights", f->weights);
    freeze_audio_member(w, "gains", f->gains);
    freeze_audio_member(w, "cosines", f->cosines);
    freeze_audio_number(w, "channels", f->channels);
    freeze_audio_number(w, "first_bin", f->first_bin);
    nnom_writer_print(w, "    .smoothing = {%u, %u},\n", (unsigned)f->smoothing[0], (unsigned)f->smoothing[1]);
    freeze_audio_number(w, "least_signal", f->least_signal);
    freeze_audio_number(w, "fft_bits", f->fft_bits);
    freeze_audio_number(w, "smoothing_bits", f->smoothing_bits);
    freeze_audio_number(w, "correction_bits", f->correction_bits);
    freeze_audio_number(w, "snr_shift", f->snr_shift);
    freeze_audio_number(w, "log_shift", f->log_shift);
    freeze_audio_number(w, "noise_reduction", f->noise_reduction);
    freeze_audio_number(w, "log", f->log);
    freeze_audio_number(w, "multiplier", f->multiplier);
    freeze_audio_number(w, "divisor", f->divisor);
    freeze_audio_number(w, "zero_point", f->zero_point);
    nnom_writer_print(w, "};\n");
}

static void freeze_audio_float_arrays(nnom_writer_t *w, const nnom_audio_t *audio)
{
    const nnom_audio_float_t *f = audio->tables;
    const uint32_t n = (uint32_t)1 << (f->fft_bits - 1);
    freeze_audio_array(w, "window", f->window, audio->window, NNOM_TYPE_F32);
    freeze_audio_array(w, "twiddles", f->twiddles, 3 * n / 4 * 2, NNOM_TYPE_F32);
    freeze_audio_array(w, "split", f->split, n, NNOM_TYPE_F32);
    freeze_audio_widths(w, f->widths, f->channels);
    freeze_audio_array(w, "weights", f->weights, freeze_audio_bins(f->widths, f->channels), NNOM_TYPE_F32);
    freeze_audio_array(w, "cosines", f->cosines, (uint32_t)audio->columns * f->channels, NNOM_TYPE_F32);
}

static void freeze_audio_float(nnom_writer_t *w, const nnom_audio_t *audio)
{
    const nnom_audio_float_t *f = audio->tables;
    freeze_audio_float_arrays(w, audio);
    nnom_writer_print(w, "static const nnom_audio_float_t %s_tables = {\n", w->name);
    freeze_audio_member(w, "window", f->window);
    freeze_audio_member(w, "twiddles", f->twiddles);
    freeze_audio_member(w, "split", f->split);
    freeze_audio_member(w, "widths", f->widths);
    freeze_audio_member(w, "weights", f->weights);
    freeze_audio_member(w, "cosines", f->cosines);
    freeze_audio_number(w, "channels", f->channels);
    freeze_audio_number(w, "first_bin", f->first_bin);
    freeze_audio_number(w, "fft_bits", f->fft_bits);
    freeze_audio_number(w, "power", f->power);
    freeze_audio_real(w, "pre_emphasis", f->pre_emphasis);
    freeze_audio_real(w, "epsilon", f->epsilon);
    freeze_audio_real(w, "log_scale", f->log_scale);
    freeze_audio_real(w, "log_offset", f->log_offset);
    freeze_audio_real(w, "scale", f->scale);
    freeze_audio_number(w, "zero_point", f->zero_point);
    nnom_writer_print(w, "};\n");
}

static void freeze_audio_source(nnom_writer_t *w, const nnom_audio_t *audio)
{
    nnom_writer_print(w, "/* Made by NNoM " NNOM_VERSION ": tables of a front end for sound. This file is yours. */\n");
    nnom_writer_print(w, "#include \"%s.h\"\n\n#if NNOM_AUDIO_ABI != %d\n", w->name, NNOM_AUDIO_ABI);
    nnom_writer_print(w, "#error \"made for another version of NNoM: make it again\"\n#endif\n\n");
    const bool fixed = audio->arithmetic == &nnom_audio_fixed_arithmetic;
    if (fixed) {
        freeze_audio_fixed(w, audio);
    } else {
        freeze_audio_float(w, audio);
    }
    nnom_writer_print(w, "const nnom_audio_t %s = {\n    .arithmetic = &nnom_audio_%s_arithmetic,\n", w->name,
                      fixed ? "fixed" : "float");
    nnom_writer_print(w, "    .tables = &%s_tables,\n", w->name);
    freeze_audio_number(w, "row_bytes", (int32_t)audio->row_bytes);
    freeze_audio_number(w, "work_bytes", (int32_t)audio->work_bytes);
    freeze_audio_number(w, "window", audio->window);
    freeze_audio_number(w, "step", audio->step);
    freeze_audio_number(w, "columns", audio->columns);
    nnom_writer_print(w, "    .type = NNOM_TYPE_%s,\n};\n", nnom_type_facts(audio->type)->name);
}

static void freeze_audio_header(nnom_writer_t *w, const nnom_audio_t *audio)
{
    char name[64];
    nnom_upper(w->name, name, sizeof name);
    nnom_writer_print(w, "/* Made by NNoM " NNOM_VERSION ": a front end for sound. This file is yours. */\n");
    nnom_writer_print(w, "#ifndef %s_H\n#define %s_H\n\n#include \"nnom_audio.h\"\n\n", name, name);
    nnom_writer_print(w, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
    nnom_writer_print(w, "#define %s_WINDOW %u  /* samples of a row */\n", name, (unsigned)audio->window);
    nnom_writer_print(w, "#define %s_STEP %u    /* samples from a row to the next */\n", name, (unsigned)audio->step);
    nnom_writer_print(w, "#define %s_COLUMNS %u /* numbers of a row: %s */\n", name, (unsigned)audio->columns,
                      nnom_type_facts(audio->type)->c_type);
    nnom_writer_print(w, "#define %s_BYTES %" PRIu32 " /* of a stream's memory */\n\n", name, nnom_audio_bytes(audio));
    nnom_writer_print(w, "extern const nnom_audio_t %s;\n\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n", w->name);
}

nnom_status_t nnom_audio_freeze(const nnom_audio_t *audio, const char *name, bool is_header, nnom_write_t write,
                                void *context)
{
    if (audio == NULL || name == NULL || write == NULL) {
        return NNOM_NULL;
    }
    if (!nnom_is_identifier(name)) {
        return NNOM_BAD_ARGUMENT;
    }
    nnom_writer_t w = {.write = write, .context = context, .name = name, .status = NNOM_OK};
    if (is_header) {
        freeze_audio_header(&w, audio);
    } else {
        freeze_audio_source(&w, audio);
    }
    nnom_writer_flush(&w);
    return w.status;
}
