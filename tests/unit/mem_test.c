#include "core/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

static void allocations_of_size_0_are_not_null(void **state)
{
    void *memory = mem_calloc(0, 8), *other = mem_calloc(8, 0);

    (void)state;
    assert_non_null(memory);
    assert_non_null(other);
    memory = mem_resize(memory, 0, 8);
    other = mem_resize(other, 8, 0);
    assert_non_null(memory);
    assert_non_null(other);
    free(memory);
    free(other);
}

static void copies_are_terminated(void **state)
{
    char *copy = mem_copy("ab\0c", 4), *none = mem_copy(NULL, 0),
         *text = mem_printf("%d%s", 5, "x");

    (void)state;
    assert_memory_equal(copy, "ab\0c", 5);
    assert_string_equal(none, "");
    assert_string_equal(text, "5x");
    assert_null(mem_strdup(NULL));
    free(copy);
    free(none);
    free(text);
}

/* A loop that frees all it has and allocates it again takes no memory from the kernel. */
static void freed_memory_is_kept(void **state)
{
    enum { COUNT = 32, SIZE = 64 << 10 };
    void *chunks[COUNT], *end;

    (void)state;
    mem_keep_freed();
    for (int i = 0; i < COUNT; i++)
        chunks[i] = mem_calloc(1, SIZE);
    end = sbrk(0);
    for (int i = 0; i < COUNT; i++)
        free(chunks[i]);
    assert_ptr_equal(sbrk(0), end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_of_size_0_are_not_null),
        cmocka_unit_test(copies_are_terminated),
        cmocka_unit_test(freed_memory_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
