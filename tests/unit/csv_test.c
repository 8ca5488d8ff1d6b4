#include "tests/lib/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

static void check(struct span bytes, const struct row_shape *shape, const char *expected)
{
    char *dump = rows_dump(bytes, ROW_FORMAT_CSV, shape, ROWS_FILE);

    assert_string_equal(dump, expected);
    free(dump);
}

static void assert_rows(const char *text, const char *expected)
{
    check(span_of(text), &rows_shape, expected);
}

static void a_row_becomes_a_record_with_its_fields(void **state)
{
    (void)state;
    assert_rows("record_id,version,tags,sku,quantity,price\n"
                "r1,5,erp;night,WH-1042,150,45.50\n",
                "1@2 [r1] v5 [\"erp\",\"night\"] "
                "{\"sku\":\"WH-1042\",\"quantity\":150,\"price\":45.50}\n"
                "end\n");
}

static void columns_can_be_in_any_order(void **state)
{
    (void)state;
    assert_rows("price,record_id,sku,version\n1,r1,a,0\n2,r2,b,1\n",
                "1@2 [r1] v0 {\"price\":1,\"sku\":\"a\"}\n"
                "2@3 [r2] v1 {\"price\":2,\"sku\":\"b\"}\n"
                "end\n");
}

static void a_header_without_rows_gives_no_rows(void **state)
{
    (void)state;
    assert_rows("record_id,sku\n", "end\n");
    assert_rows("record_id,sku", "end\n");
    assert_rows("record_id,sku\r\n", "end\n");
    assert_rows("\xEF\xBB\xBFrecord_id,sku\n\n\r\n\n", "end\n");
}

static void line_ends_are_lf_or_crlf_and_the_last_can_be_missing(void **state)
{
    static const char expected[] = "1@2 [a] {\"sku\":\"x\"}\n2@3 [b] {\"sku\":\"y\"}\nend\n";

    (void)state;
    assert_rows("record_id,sku\na,x\nb,y\n", expected);
    assert_rows("record_id,sku\r\na,x\r\nb,y\r\n", expected);
    assert_rows("record_id,sku\r\na,x\nb,y", expected);
    assert_rows("record_id,sku\na,x\r\nb,\"y\"", expected);
    assert_rows("\"record_id\",\"sku\"\r\n\"a\",\"x\"\r\n\"b\",\"y\"\r\n", expected);
}

static void a_byte_order_mark_is_skipped(void **state)
{
    (void)state;
    assert_rows("\xEF\xBB\xBFrecord_id,sku\na,x\n", "1@2 [a] {\"sku\":\"x\"}\nend\n");
    assert_rows("\xEF\xBB\xBF\"record_id\",sku\na,\xEF\xBB\xBFx\n",
                "1@2 [a] {\"sku\":\"\xEF\xBB\xBFx\"}\nend\n");
}

static void blank_lines_are_skipped_but_count_as_lines(void **state)
{
    (void)state;
    assert_rows("\n\r\nrecord_id,sku\n\n\r\na,x\n\n\n\nb,y\n\r\n\r",
                "1@6 [a] {\"sku\":\"x\"}\n2@10 [b] {\"sku\":\"y\"}\nend\n");
}

static void quoted_cells_hold_commas_quotes_and_newlines(void **state)
{
    (void)state;
    assert_rows("record_id,sku,status\n"
                "a,\"x,y\",\"say \"\"hi\"\"\"\n"
                "b,\"one\ntwo\r\nthree\",\"\"\"\"\n"
                "c,\"\n\",\"\"\"\"\"\"\n"
                "\"d\",z,w\n",
                "1@2 [a] {\"sku\":\"x,y\",\"status\":\"say \\\"hi\\\"\"}\n"
                "2@3 [b] {\"sku\":\"one\\ntwo\\r\\nthree\",\"status\":\"\\\"\"}\n"
                "3@6 [c] {\"sku\":\"\\n\",\"status\":\"\\\"\\\"\"}\n"
                "4@8 [d] {\"sku\":\"z\",\"status\":\"w\"}\n"
                "end\n");
}

static void an_empty_cell_is_absent_and_empty_quotes_are_an_empty_string(void **state)
{
    (void)state;
    assert_rows("record_id,sku,status,any,price\na,,\"\",,\nb,\"\",,\"\",1\nc,,,,\n",
                "1@2 [a] {\"status\":\"\"}\n"
                "2@3 [b] {\"sku\":\"\",\"any\":\"\",\"price\":1}\n"
                "3@4 [c] {}\n"
                "end\n");
}

static void strings_are_escaped_for_json(void **state)
{
    (void)state;
    assert_rows(
        "record_id,sku,any\n"
        "a\\b,C:\\new\\,\ttab\n"
        "b,\x01\x1F\x7F,null\n"
        "c,gr\xC3\xB6\xC3\x9F"
        "e \xE2\x82\xAC,012\n"
        "\"d\"\"e\",\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789\","
        " true \n",
        "1@2 [a\\b] {\"sku\":\"C:\\\\new\\\\\",\"any\":\"\\ttab\"}\n"
        "2@3 [b] {\"sku\":\"\\u0001\\u001f\x7F\",\"any\":\"null\"}\n"
        "3@4 [c] {\"sku\":\"gr\xC3\xB6\xC3\x9F"
        "e \xE2\x82\xAC\",\"any\":\"012\"}\n"
        "4@5 [d\"e] {\"sku\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        "0123456789\",\"any\":\" true \"}\n"
        "end\n");
}

static void a_property_name_is_escaped_too(void **state)
{
    (void)state;
    assert_rows("record_id,\"odd\"\"name\",sku\na,1,2\n",
                "1@2 [a] {\"odd\\\"name\":\"1\",\"sku\":\"2\"}\nend\n");
}

static void numbers_keep_the_digits_of_the_file(void **state)
{
    (void)state;
    assert_rows("record_id,quantity,price\n"
                "a,0,45.50\n"
                "b,-12,1E+02\n"
                "c,123456789012345678901234567890,-0.0\n"
                "d,\"12\",\"1.5\"\n"
                "e,1.0,0.1000000000000000055511151231257827\n",
                "1@2 [a] {\"quantity\":0,\"price\":45.50}\n"
                "2@3 [b] {\"quantity\":-12,\"price\":1E+02}\n"
                "3@4 [c] {\"quantity\":123456789012345678901234567890,\"price\":-0.0}\n"
                "4@5 [d] {\"quantity\":12,\"price\":1.5}\n"
                "5@6 [e] {\"quantity\":1.0,\"price\":0.1000000000000000055511151231257827}\n"
                "end\n");
}

static void a_cell_that_is_not_a_number_is_a_violation_and_left_out(void **state)
{
    (void)state;
    assert_rows(
        "record_id,quantity,price,sku\n"
        "a,abc, 1.5,x\n"
        "b,+1,\"1,5\",x\n"
        "c,01,1.,x\n"
        "d,\"\",.5,x\n"
        "e,1 ,\"\"\"1\"\"\",x\n"
        "f,null,NaN,x\n",
        "1@2 [a] {\"sku\":\"x\"}\n"
        "  quantity|type|must be an integer, is \"abc\"\n"
        "  price|type|must be a number, is \" 1.5\" (begins with a blank)" ROWS_FORM(
            "price",
            "\"padding\": \" \"") "\n"
                                  "2@3 [b] {\"sku\":\"x\"}\n"
                                  "  quantity|type|must be an integer, is \"+1\"" ROWS_FORM(
                                      "quantity",
                                      "\"sign\": \"leading\"") "\n"
                                                               "  price|type|must be a number, is "
                                                               "\"1,5\"" ROWS_FORM(
                                                                   "price",
                                                                   "\"decimal\": \",\"") "\n"
                                                                                         "3@4 [c] "
                                                                                         "{\"sku\":"
                                                                                         "\"x\"}\n"
                                                                                         "  "
                                                                                         "quantity|"
                                                                                         "type|"
                                                                                         "must be "
                                                                                         "an "
                                                                                         "integer, "
                                                                                         "is "
                                                                                         "\"01"
                                                                                         "\"" ROWS_FORM(
                                                                                             "quant"
                                                                                             "ity",
                                                                                             "\"pad"
                                                                                             "ding"
                                                                                             "\": "
                                                                                             "\"0"
                                                                                             "\"") "\n"
                                                                                                   "  price|type|must be a number, is \"1.\"\n"
                                                                                                   "4@5 [d] {\"sku\":\"x\"}\n"
                                                                                                   "  quantity|type|must be an integer, is \"\"" ROWS_QUOTED_EMPTY
                                                                                                   "\n"
                                                                                                   "  price|type|must be a number, is \".5\"\n"
                                                                                                   "5@6 [e] {\"sku\":\"x\"}\n"
                                                                                                   "  quantity|type|must be an integer, is \"1 \" (ends with a blank)" ROWS_FORM(
                                                                                                       "quantity",
                                                                                                       "\"padding\": \" \"") "\n"
                                                                                                                             "  price|type|must be a number, is \"\"1\"\"\n"
                                                                                                                             "6@7 [f] {\"sku\":\"x\"}\n"
                                                                                                                             "  quantity|type|must be an integer, is \"null\"" ROWS_FORM(
                                                                                                                                 "quantity",
                                                                                                                                 "\"absent\": [\"null\"]") "\n"
                                                                                                                                                           "  price|type|must be a number, is \"NaN\"" ROWS_FORM(
                                                                                                                                                               "price",
                                                                                                                                                               "\"absent\": [\"NaN\"]") "\n"
                                                                                                                                                                                        "end\n");
}

static void a_value_in_a_message_is_printable_and_cut(void **state)
{
    (void)state;
    assert_rows(
        "record_id,quantity\n"
        "a,\x1B[31m\n"
        "b,0123456789012345678901234567890123456789\n"
        "c,01234567890123456789012345678901234567890\n",
        "1@2 [a] {}\n"
        "  quantity|type|must be an integer, is \"\\x1b[31m\"\n"
        "2@3 [b] {}\n"
        "  quantity|type|must be an integer, is "
        "\"0123456789012345678901234567890123456789\"" ROWS_FORM(
            "quantity",
            "\"padding\": \"0\"") "\n"
                                  "3@4 [c] {}\n"
                                  "  quantity|type|must be an integer, is "
                                  "\"0123456789012345678901234567890123456789...\"" ROWS_FORM(
                                      "quantity", "\"padding\": \"0\"") "\n"
                                                                        "end\n");
}

static void booleans_are_true_or_false(void **state)
{
    (void)state;
    assert_rows("record_id,active\na,true\nb,\"false\"\nc,True\nd,1\ne,\n",
                "1@2 [a] {\"active\":true}\n"
                "2@3 [b] {\"active\":false}\n"
                "3@4 [c] {}\n"
                "  active|type|must be true or false, is \"True\"" ROWS_BOOLEAN(
                    "active") "\n"
                              "4@5 [d] {}\n"
                              "  active|type|must be true or false, is \"1\"" ROWS_BOOLEAN(
                                  "active") "\n"
                                            "5@6 [e] {}\n"
                                            "end\n");
}

static void null_is_null_if_the_type_allows_it(void **state)
{
    (void)state;
    assert_rows("record_id,count,mixed\na,null,null\nb,1,true\nc,x,nul\nd,,\n",
                "1@2 [a] {\"count\":null,\"mixed\":null}\n"
                "2@3 [b] {\"count\":1,\"mixed\":true}\n"
                "3@4 [c] {}\n"
                "  count|type|must be an integer or null, is \"x\"\n"
                "  mixed|type|must be true or false, a JSON array or null, is \"nul\"\n"
                "4@5 [d] {}\n"
                "end\n");
}

static void arrays_and_objects_are_json_text(void **state)
{
    (void)state;
    assert_rows(
        "record_id,sizes,extra,mixed,sku\n"
        "a,[],{},[1],x\n"
        "b,\"[1,2.50,[\"\"x\"\",null]]\",\" {\"\"k\"\": {\"\"l\"\":[]},\n\"\"m\"\":1e5} \",,x\n",
        "1@2 [a] {\"sizes\":[],\"extra\":{},\"mixed\":[1],\"sku\":\"x\"}\n"
        "2@3 [b] {\"sizes\":[1,2.50,[\"x\",null]],\"extra\": {\"k\": {\"l\":[]},\n\"m\":1e5} ,"
        "\"sku\":\"x\"}\n"
        "end\n");
}

static void invalid_json_in_a_cell_is_a_violation_and_left_out(void **state)
{
    (void)state;
    assert_rows("record_id,sizes,extra,sku\n"
                "a,{},[],x\n"
                "b,[1,{},x\n"
                "c,\"[1,\",\"{\"\"k\"\":1,\"\"k\"\":2}\",x\n"
                "d,\"[\"\"a\n\"\"]\",12,x\n"
                "e,\"\",\"\",x\n",
                "1@2 [a] {\"sku\":\"x\"}\n"
                "  sizes|type|must be a JSON array, is \"{}\"\n"
                "  extra|type|must be a JSON object, is \"[]\"\n"
                "2@3 [b] {\"extra\":{},\"sku\":\"x\"}\n"
                "  sizes|type|must be a JSON array, is \"[1\": "
                "column 3: expected ',' or ']', found the end\n"
                "3@4 [c] {\"sku\":\"x\"}\n"
                "  sizes|type|must be a JSON array, is \"[1,\": "
                "column 4: expected a value, found the end\n"
                "  extra|type|must be a JSON object, is \"{\"k\":1,\"k\":2}\": "
                "column 8: member \"k\" is twice in one object\n"
                "4@5 [d] {\"sku\":\"x\"}\n"
                "  sizes|type|must be a JSON array, is \"[\"a\\n\"]\": "
                "column 4: control character 0x0a in a string\n"
                "  extra|type|must be a JSON object, is \"12\"\n"
                "5@7 [e] {\"sku\":\"x\"}\n"
                "  sizes|type|must be a JSON array, is \"\"" ROWS_QUOTED_EMPTY "\n"
                "  extra|type|must be a JSON object, is \"\"" ROWS_QUOTED_EMPTY "\n"
                "end\n");
}

static void json_in_a_cell_nests_to_one_level_less_than_a_row(void **state)
{
    struct buf text = {0}, expected = {0};

    (void)state;
    for (int depth = 63; depth <= 64; depth++) {
        buf_reset(&text);
        buf_append_text(&text, "record_id,sizes\na,");
        for (int i = 0; i < depth; i++)
            buf_append_char(&text, '[');
        for (int i = 0; i < depth; i++)
            buf_append_char(&text, ']');
        buf_append_char(&text, '\n');
        buf_reset(&expected);
        buf_append_text(&expected, "1@2 [a] {\"sizes\":");
        buf_append(&expected, text.data + 18, 126);
        buf_append_text(&expected, "}\nend\n");
        check(buf_span(&text), &rows_shape,
              depth == 63 ? buf_text(&expected)
                          : "1@2 [a] {}\n  sizes|type|must be a JSON array, is "
                            "\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[...\": "
                            "column 64: nested deeper than 64 levels\nend\n");
    }
    buf_release(&text);
    buf_release(&expected);
}

static void tags_are_split_at_semicolons_and_empty_ones_are_dropped(void **state)
{
    (void)state;
    assert_rows("record_id,tags\na,one\nb,one;two\nc,;one;;two;\nd,;\ne,\nf,\"\"\n"
                "g,\"say \"\"x\"\";a\\b\"\nh, one ; two\n",
                "1@2 [a] [\"one\"] {}\n"
                "2@3 [b] [\"one\",\"two\"] {}\n"
                "3@4 [c] [\"one\",\"two\"] {}\n"
                "4@5 [d] {}\n"
                "5@6 [e] {}\n"
                "6@7 [f] {}\n"
                "7@8 [g] [\"say \\\"x\\\"\",\"a\\\\b\"] {}\n"
                "8@9 [h] [\" one \",\" two\"] {}\n"
                "end\n");
}

static void a_record_id_that_no_path_can_carry_rejects_its_row(void **state)
{
    (void)state;
    assert_rows("record_id,sku,price\n,a,1\n\"\",b,1\n.,c,x\nauditlogs,d,1\n\"a\nb\",e,1\nok,f,1\n",
                "1@2 {\"sku\":\"a\",\"price\":1}\n"
                "  record_id|record_id|must not be empty\n"
                "2@3 {\"sku\":\"b\",\"price\":1}\n"
                "  record_id|record_id|must not be empty\n"
                "3@4 [.] {\"sku\":\"c\"}\n"
                "  record_id|record_id|must not be . or .., which no path can hold\n"
                "  price|type|must be a number, is \"x\"\n"
                "4@5 [auditlogs] {\"sku\":\"d\",\"price\":1}\n"
                "  record_id|record_id|must not be auditlogs, which is another path of the API\n"
                "5@6 [a\nb] {\"sku\":\"e\",\"price\":1}\n"
                "  record_id|record_id|must not hold control characters\n"
                "6@8 [ok] {\"sku\":\"f\",\"price\":1}\n"
                "end\n");
}

static void a_version_is_an_integer_of_0_or_more(void **state)
{
    (void)state;
    assert_rows("record_id,version\na,0\nb,\"7\"\nc,-1\nd,1.0\ne,\"\"\nf,\ng,9223372036854775808\n",
                "1@2 [a] v0 {}\n"
                "2@3 [b] v7 {}\n"
                "3@4 [c] {}\n"
                "  version|version|must be an integer from 0 to 9223372036854775807, is \"-1\"\n"
                "4@5 [d] {}\n"
                "  version|version|must be an integer from 0 to 9223372036854775807, is \"1.0\"\n"
                "5@6 [e] {}\n"
                "  version|version|must be an integer from 0 to 9223372036854775807, is "
                "\"\"" ROWS_QUOTED_EMPTY "\n"
                "6@7 [f] {}\n"
                "7@8 [g] {}\n"
                "  version|version|must be an integer from 0 to 9223372036854775807, "
                "is \"9223372036854775808\"\n"
                "end\n");
}

static void a_missing_version_is_a_violation_if_the_schema_requires_one(void **state)
{
    (void)state;
    check(span_of("record_id,version\na,\nb,1\nc,x\n"), &rows_shape_versioned,
          "1@2 [a] {}\n"
          "  version|version|is missing; it is required for optimistic locking\n"
          "2@3 [b] v1 {}\n"
          "3@4 [c] {}\n"
          "  version|version|must be an integer from 0 to 9223372036854775807, is \"x\"\n"
          "end\n");
    check(span_of("record_id,sku\na,x\n"), &rows_shape_versioned,
          "1@2 [a] {\"sku\":\"x\"}\n"
          "  version|version|is missing; it is required for optimistic locking\n"
          "end\n");
}

static void all_violations_of_a_row_are_recorded(void **state)
{
    (void)state;
    assert_rows("record_id,version,quantity,sku,price,active\n..,x,a,fine,b,c\n",
                "1@2 [..] {\"sku\":\"fine\"}\n"
                "  record_id|record_id|must not be . or .., which no path can hold\n"
                "  version|version|must be an integer from 0 to 9223372036854775807, is \"x\"\n"
                "  quantity|type|must be an integer, is \"a\"\n"
                "  price|type|must be a number, is \"b\"\n"
                "  active|type|must be true or false, is \"c\"" ROWS_BOOLEAN("active") "\n"
                                                                                       "end\n");
}

static void a_wide_file_is_read_as_a_narrow_one(void **state)
{
    enum { COLUMNS = 2000 };
    struct row_property *properties = calloc(COLUMNS, sizeof *properties);
    struct row_shape shape = {
        .schema_name = "Wide", .properties = properties, .count = COLUMNS - 1};
    struct buf text = {0}, expected = {0}, names = {0};

    (void)state;
    buf_reserve(&names, COLUMNS * 8);
    for (int i = 1; i < COLUMNS; i++) {
        const char *name = names.data + names.size;

        buf_printf(&names, "c%d", i);
        properties[i - 1].name = (struct span){name, (size_t)(names.data + names.size - name)};
        properties[i - 1].types = ROW_NUMBER;
    }
    buf_append_text(&text, "record_id");
    for (int i = 1; i < COLUMNS; i++)
        buf_printf(&text, ",c%d", i);
    buf_append_text(&text, "\nr");
    buf_append_text(&expected, "1@2 [r] ");
    for (int i = 1; i < COLUMNS; i++) {
        buf_printf(&text, ",%d", i);
        buf_printf(&expected, "%c\"c%d\":%d", i == 1 ? '{' : ',', i, i);
    }
    buf_append_text(&expected, "}\nend\n");
    check(buf_span(&text), &shape, buf_text(&expected));
    buf_release(&text);
    buf_release(&expected);
    buf_release(&names);
    free(properties);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_becomes_a_record_with_its_fields),
        cmocka_unit_test(columns_can_be_in_any_order),
        cmocka_unit_test(a_header_without_rows_gives_no_rows),
        cmocka_unit_test(line_ends_are_lf_or_crlf_and_the_last_can_be_missing),
        cmocka_unit_test(a_byte_order_mark_is_skipped),
        cmocka_unit_test(blank_lines_are_skipped_but_count_as_lines),
        cmocka_unit_test(quoted_cells_hold_commas_quotes_and_newlines),
        cmocka_unit_test(an_empty_cell_is_absent_and_empty_quotes_are_an_empty_string),
        cmocka_unit_test(strings_are_escaped_for_json),
        cmocka_unit_test(a_property_name_is_escaped_too),
        cmocka_unit_test(numbers_keep_the_digits_of_the_file),
        cmocka_unit_test(a_cell_that_is_not_a_number_is_a_violation_and_left_out),
        cmocka_unit_test(a_value_in_a_message_is_printable_and_cut),
        cmocka_unit_test(booleans_are_true_or_false),
        cmocka_unit_test(null_is_null_if_the_type_allows_it),
        cmocka_unit_test(arrays_and_objects_are_json_text),
        cmocka_unit_test(invalid_json_in_a_cell_is_a_violation_and_left_out),
        cmocka_unit_test(json_in_a_cell_nests_to_one_level_less_than_a_row),
        cmocka_unit_test(tags_are_split_at_semicolons_and_empty_ones_are_dropped),
        cmocka_unit_test(a_record_id_that_no_path_can_carry_rejects_its_row),
        cmocka_unit_test(a_version_is_an_integer_of_0_or_more),
        cmocka_unit_test(a_missing_version_is_a_violation_if_the_schema_requires_one),
        cmocka_unit_test(all_violations_of_a_row_are_recorded),
        cmocka_unit_test(a_wide_file_is_read_as_a_narrow_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
