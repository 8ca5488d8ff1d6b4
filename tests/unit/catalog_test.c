#include "core/validate/catalog.h"
#include "tests/unit/schema_scene.h"

#include <sys/stat.h>
#include <unistd.h>

static void put(const char *folder, const char *name, const char *text)
{
    char path[SCRATCH_SIZE + 64];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    scratch_write(path, text, strlen(text));
}

/* Returns the text of an error with FOLDER for the folder, which differs each time. */
static const char *without_folder(const char *text, const char *folder)
{
    static char out[ERR_TEXT_SIZE];
    const char *found;

    out[0] = '\0';
    while ((found = strstr(text, folder))) {
        append_span(out, sizeof out, (struct span){text, (size_t)(found - text)}, "FOLDER");
        text = found + strlen(folder);
    }
    append_span(out, sizeof out, span_of(text), "");
    return out;
}

/* Makes Items, Item, ItemGroup, and Broken, which is invalid; and files that are not schemas. */
static int begin(void **state)
{
    char *folder = calloc(1, SCRATCH_SIZE), path[SCRATCH_SIZE + 64];

    if (!folder)
        return -1;
    scratch_make(folder);
    put(folder, "ItemGroup.json", "{}");
    put(folder, "Item.json", "{\"title\": \"one\"}");
    put(folder, "Items.json", "{}");
    put(folder, "Broken.json", "{\"format\": 1}");
    put(folder, ".Hidden.json", "{}");
    put(folder, "Notes.txt", "{}");
    put(folder, "README", "{}");
    snprintf(path, sizeof path, "%s/Folder.json", folder);
    *state = folder;
    return mkdir(path, 0700);
}

static int end(void **state)
{
    scratch_remove(*state);
    free(*state);
    return 0;
}

static struct catalog *open_catalog(const char *folder)
{
    struct err err = {0};
    struct catalog *catalog = catalog_open(folder, &err);

    if (!catalog)
        fail_msg("%s", err.text);
    return catalog;
}

static void schemas_are_counted_and_named_in_order(void **state)
{
    static const char *const names[] = {"Broken", "Item", "ItemGroup", "Items"};
    struct catalog *catalog = open_catalog(*state);

    assert_int_equal(catalog_count(catalog), 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(catalog_name(catalog, i), names[i]);
    catalog_close(catalog);
}

static void a_schema_is_found_by_its_name(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    struct err err = {0};

    assert_string_equal(schema_name(catalog_find(catalog, "Item", &err)), "Item");
    assert_string_equal(schema_name(catalog_find(catalog, "ItemGroup", &err)), "ItemGroup");
    assert_true(catalog_has(catalog, "Item"));
    assert_true(catalog_has(catalog, "Broken"));
    assert_false(catalog_has(catalog, "item"));
    assert_null(catalog_find(catalog, "item", &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(without_folder(err.text, *state),
                        "unknown schema \"item\": FOLDER has Broken, Item, ItemGroup, Items");
    catalog_close(catalog);
}

static void a_file_belongs_to_the_longest_schema_name_that_it_starts_with(void **state)
{
    static const char *const files[][2] = {
        {"Item-2026-11-23.csv", "Item"},  {"Item.csv", "Item"},
        {"Item_x.csv", "Item"},           {"Items.ndjson", "Items"},
        {"ItemGroup 1.csv", "ItemGroup"}, {"Item Group.csv", "Item"},
        {"Item-Group.csv", "Item"},       {"Items-Item.csv", "Items"},
    };
    struct catalog *catalog = open_catalog(*state);
    struct err err = {0};

    for (size_t i = 0; i < COUNT(files); i++) {
        const struct schema *schema = catalog_match(catalog, files[i][0], &err);

        if (!schema || strcmp(schema_name(schema), files[i][1]) != 0)
            fail_msg("%s", files[i][0]);
    }
    catalog_close(catalog);
}

static void a_file_without_a_schema_is_an_error(void **state)
{
    static const char *const files[] = {"item.csv",       "ItemX.csv", "Item1.csv", "Item",
                                        "Item\u00e9.csv", "xItem.csv", ""};
    struct catalog *catalog = open_catalog(*state);
    char expected[256];

    for (size_t i = 0; i < COUNT(files); i++) {
        struct err err = {0};

        assert_null(catalog_match(catalog, files[i], &err));
        assert_int_equal(err.kind, ERR_INPUT);
        snprintf(
            expected, sizeof expected,
            "the file name \"%s\" does not begin with the name of a schema (FOLDER has Broken, "
            "Item, ItemGroup, Items): rename the file, or name its schema with --schema",
            files[i]);
        assert_string_equal(without_folder(err.text, *state), expected);
    }
    catalog_close(catalog);
}

static void an_invalid_schema_affects_only_its_own_files(void **state)
{
    static const char reason[] = "FOLDER/Broken.json: #/format: must be a string";
    struct catalog *catalog = open_catalog(*state);
    struct err err = {0};

    assert_int_equal(catalog_fault_count(catalog), 1);
    assert_string_equal(without_folder(catalog_fault(catalog, 0), *state), reason);
    assert_null(catalog_fault(catalog, 1));
    assert_null(catalog_find(catalog, "Broken", &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(without_folder(err.text, *state), reason);
    assert_null(catalog_match(catalog, "Broken-1.csv", &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_non_null(catalog_match(catalog, "Item-1.csv", &err));
    catalog_close(catalog);
}

static void links_to_schema_files_count(void **state)
{
    char path[SCRATCH_SIZE + 64];
    struct catalog *catalog;
    struct err err = {0};

    snprintf(path, sizeof path, "%s/Linked.json", (char *)*state);
    assert_int_equal(symlink("Item.json", path), 0);
    snprintf(path, sizeof path, "%s/Dangling.json", (char *)*state);
    assert_int_equal(symlink("None.json", path), 0);
    catalog = open_catalog(*state);
    assert_string_equal(schema_name(catalog_find(catalog, "Linked", &err)), "Linked");
    assert_null(catalog_find(catalog, "Dangling", &err));
    catalog_close(catalog);
}

static void a_folder_without_schema_files_is_an_error(void **state)
{
    char folder[SCRATCH_SIZE], path[SCRATCH_SIZE + 64];
    struct err err = {0};

    (void)state;
    scratch_make(folder);
    assert_null(catalog_open(folder, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(
        without_folder(err.text, folder),
        "the schema folder 'FOLDER' has no schema file: write NAME.json for each object");
    snprintf(path, sizeof path, "%s/none//", folder);
    assert_null(catalog_open(path, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(without_folder(err.text, folder),
                        "cannot read the schema folder 'FOLDER/none': No such file or "
                        "directory: name it with --schemas or ROWFERRY_SCHEMAS");
    scratch_remove(folder);
}

static void a_folder_with_too_many_schema_files_is_an_error(void **state)
{
    char folder[SCRATCH_SIZE], name[32];
    struct err err = {0};

    (void)state;
    scratch_make(folder);
    for (int i = 0; i < 1001; i++) {
        snprintf(name, sizeof name, "Object%d.json", i);
        put(folder, name, "{}");
    }
    assert_null(catalog_open(folder, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(without_folder(err.text, folder), "FOLDER: more than 1000 schema files");
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(schemas_are_counted_and_named_in_order, begin, end),
        cmocka_unit_test_setup_teardown(a_schema_is_found_by_its_name, begin, end),
        cmocka_unit_test_setup_teardown(
            a_file_belongs_to_the_longest_schema_name_that_it_starts_with, begin, end),
        cmocka_unit_test_setup_teardown(a_file_without_a_schema_is_an_error, begin, end),
        cmocka_unit_test_setup_teardown(an_invalid_schema_affects_only_its_own_files, begin, end),
        cmocka_unit_test_setup_teardown(links_to_schema_files_count, begin, end),
        cmocka_unit_test(a_folder_without_schema_files_is_an_error),
        cmocka_unit_test(a_folder_with_too_many_schema_files_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
