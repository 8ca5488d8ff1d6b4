#include "core/base/prometheus.h"

#include <stdio.h>

void prometheus_family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void append_value(struct buf *out, const char *value)
{
    struct span left = span_of(value);

    while (left.size > 0) {
        size_t valid = str_utf8_valid(left), plain = 0;

        while (plain < valid && !strchr("\\\"\n", left.data[plain]))
            plain++;
        buf_append(out, left.data, plain);
        if (plain == left.size)
            return;
        if (plain == valid)
            buf_append_text(out, "\xEF\xBF\xBD");
        else
            buf_printf(out, "\\%c", left.data[plain] == '\n' ? 'n' : left.data[plain]);
        left.data += plain + 1;
        left.size -= plain + 1;
    }
}

static void append_label(struct buf *out, const struct prometheus_label *label, bool first)
{
    buf_printf(out, "%c%s=\"", first ? '{' : ',', label->name);
    append_value(out, label->value);
    buf_append_char(out, '"');
}

/* 15 digits are enough for whole numbers, and for times in milliseconds. */
static void append_sample(struct buf *out, const char *name, const char *suffix,
                          const struct prometheus_labels *labels, double value)
{
    buf_printf(out, "%s%s", name, suffix);
    for (size_t i = 0; i < labels->count; i++)
        append_label(out, &labels->common[i], i == 0);
    if (labels->own.name)
        append_label(out, &labels->own, labels->count == 0);
    buf_printf(out, "%s %.15g\n", labels->count > 0 || labels->own.name ? "}" : "", value);
}

void prometheus_sample(struct buf *out, const char *name, const struct prometheus_labels *labels,
                       double value)
{
    append_sample(out, name, "", labels, value);
}

void prometheus_histogram(struct buf *out, const char *name, const struct prometheus_labels *labels,
                          const struct histogram *histogram)
{
    static const struct {
        const char *name;
        uint64_t us;
    } limits[] = {
        {"0.005", 5000},  {"0.01", 10000},  {"0.025", 25000}, {"0.05", 50000},      {"0.1", 100000},
        {"0.25", 250000}, {"0.5", 500000},  {"1", 1000000},   {"2.5", 2500000},     {"5", 5000000},
        {"10", 10000000}, {"30", 30000000}, {"60", 60000000}, {"+Inf", UINT64_MAX},
    };
    struct prometheus_labels limited = *labels;

    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        limited.own = (struct prometheus_label){"le", limits[i].name};
        append_sample(out, name, "_bucket", &limited,
                      (double)histogram_up_to(histogram, limits[i].us));
    }
    append_sample(out, name, "_sum", labels, (double)histogram->sum / 1e6);
    append_sample(out, name, "_count", labels, (double)histogram->count);
}
