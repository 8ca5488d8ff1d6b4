#include "core/row/encodable.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/row/encoding.h"

#include <stdlib.h>

static bool can_encode(struct recoder *encoder, struct span text)
{
    struct buf encoded = {0};
    bool fits = recode(encoder, text, NULL, &encoded);

    buf_release(&encoded);
    return fits;
}

static void fit_words(struct cell_form *form, struct recoder *encoder)
{
    struct span *kept = mem_calloc(form->word_count + 1, sizeof *kept);
    size_t count = 0, true_count = 0;

    for (size_t i = 0; i < form->word_count; i++) {
        if (!can_encode(encoder, form->words[i]))
            continue;
        true_count += i < form->true_count;
        kept[count++] = form->words[i];
    }
    form->words = kept;
    form->true_count = true_count;
    form->word_count = count;
}

struct cell_form *encodable_forms(const struct cell_form *forms, size_t count,
                                  struct recoder *encoder)
{
    struct cell_form *copy = mem_calloc(count + 1, sizeof *copy);

    for (size_t i = 0; i < count; i++) {
        copy[i] = forms[i];
        if (!can_encode(encoder, copy[i].unit))
            copy[i].unit = (struct span){0};
        fit_words(&copy[i], encoder);
    }
    return copy;
}

void encodable_forms_free(struct cell_form *forms, size_t count)
{
    for (size_t i = 0; forms && i < count; i++)
        free((void *)forms[i].words);
    free(forms);
}
