#include "core/validate/graph.h"

#include "core/base/mem.h"

#include <stdlib.h>

enum { CHAIN_MAX = 64 /* schemas that each apply the next to the same value */ };

/* What a schema allows in the cells of a column. */
struct cells {
    unsigned types; /* set of enum row_type; ROW_ANY: not restricted */
    unsigned alike; /* those that an allowed string can look like */
    bool is_listed; /* enum or const lists the values */
    bool is_typed;  /* `type` decides how a cell is read */
};

static const struct cells any_cells = {ROW_ANY, ROW_ANY & ~ROW_STRING, false, false};

struct graph {
    uint32_t *first;     /* per node: its first link; links are sorted by node */
    uint32_t *waiting;   /* per node: links to it from nodes that are not in `order` yet */
    uint32_t *order;     /* nodes, each after all that apply it */
    uint32_t *height;    /* per node: length of the longest chain that begins there */
    struct cells *cells; /* per node */
    uint32_t ordered;    /* nodes in `order` */
};

static int link_order(const void *a, const void *b)
{
    const struct link *left = a, *right = b;

    if (left->from != right->from)
        return left->from < right->from ? -1 : 1;
    return (left->to > right->to) - (left->to < right->to);
}

static void graph_init(struct graph *graph, const struct plan *plan)
{
    const struct link *links = plan_links(plan);
    uint32_t link = 0;

    if (plan->links.count)
        qsort(plan->links.items, plan->links.count, sizeof *links, link_order);

    graph->first = mem_calloc(plan->node_count + 1, sizeof *graph->first);
    graph->waiting = mem_calloc(plan->node_count, sizeof *graph->waiting);
    graph->order = mem_calloc(plan->node_count, sizeof *graph->order);
    graph->height = mem_calloc(plan->node_count, sizeof *graph->height);
    graph->cells = mem_calloc(plan->node_count, sizeof *graph->cells);
    graph->ordered = 0;
    for (uint32_t i = 0; i < plan->node_count; i++) {
        graph->first[i] = link;
        for (; link < plan->links.count && links[link].from == i; link++)
            graph->waiting[links[link].to]++;
    }
    graph->first[plan->node_count] = link;
    for (uint32_t i = 0; i < plan->node_count; i++)
        if (!graph->waiting[i])
            graph->order[graph->ordered++] = i;
    for (uint32_t i = 0; i < graph->ordered; i++)
        for (link = graph->first[graph->order[i]]; link < graph->first[graph->order[i] + 1]; link++)
            if (--graph->waiting[links[link].to] == 0)
                graph->order[graph->ordered++] = links[link].to;
}

static void graph_release(struct graph *graph)
{
    free(graph->first);
    free(graph->waiting);
    free(graph->order);
    free(graph->height);
    free(graph->cells);
}

static const char *reference_keyword(struct compiler *c, uint32_t token)
{
    static const char *const names[] = {"$ref", "$dynamicRef", "$recursiveRef"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (compiler_member(c, token, names[i]))
            return names[i];
    return NULL;
}

/* A node that still waits has a node before it that waits too: going back as many steps as there
 * are nodes ends on a circle, and every circle has a $ref. */
static bool refuse_circle(struct compiler *c, const struct graph *graph)
{
    const struct plan *plan = c->plan;
    const struct link *links = plan_links(plan);
    uint32_t *before = mem_calloc(plan->node_count, sizeof *before);
    uint32_t at = 0;

    for (uint32_t i = 0; i < plan->links.count; i++)
        if (graph->waiting[links[i].from])
            before[links[i].to] = links[i].from;
    while (!graph->waiting[at])
        at++;
    for (uint32_t i = 0; i < plan->node_count; i++)
        at = before[at];
    while (!(c->keyword = reference_keyword(c, plan->nodes[at].token)))
        at = before[at];
    free(before);
    c->node = at;
    return compiler_refuse(c, "", "refers back to itself endlessly for the same value");
}

/* Returns the types that both allow; an integer is a number. */
static unsigned types_in_both(unsigned a, unsigned b)
{
    if (b == ROW_ANY)
        return a;
    if (a == ROW_ANY)
        return b;
    a |= a & ROW_NUMBER ? ROW_INTEGER : 0;
    b |= b & ROW_NUMBER ? ROW_INTEGER : 0;
    return (a & b & ROW_NUMBER) ? a & b & ~(unsigned)ROW_INTEGER : a & b;
}

static struct cells cells_in_both(struct cells a, struct cells b)
{
    return (struct cells){types_in_both(a.types, b.types), a.alike & b.alike,
                          a.is_listed || b.is_listed, a.is_typed || b.is_typed};
}

static struct cells cells_in_either(struct cells a, struct cells b)
{
    return (struct cells){a.types | b.types, a.alike | b.alike, a.is_listed && b.is_listed,
                          a.is_typed && b.is_typed};
}

/* Returns the types that a cell with this string looks like (csv_row.c). */
static unsigned types_alike(struct span text)
{
    static const struct {
        const char *word;
        unsigned type;
    } words[] = {{"true", ROW_BOOLEAN}, {"false", ROW_BOOLEAN}, {"null", ROW_NULL}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (span_is(text, words[i].word))
            return words[i].type;
    if (json_is_number(text))
        return ROW_NUMBER | ROW_INTEGER;
    while (text.size && memchr(" \t\r\n", text.data[0], 4))
        text = span_from(text, 1);
    if (text.size && (text.data[0] == '[' || text.data[0] == '{'))
        return ROW_ARRAY | ROW_OBJECT;
    return 0;
}

static struct cells cells_of_value(struct compiler *c, uint32_t token)
{
    bool is_string = compiler_is(c, token, JSON_STRING);

    return (struct cells){value_type(compiler_token(c, token)->kind),
                          is_string ? types_alike(compiler_string(c, token)) : 0, true, false};
}

static struct cells cells_of_enum(struct compiler *c, uint32_t list)
{
    struct cells cells = {0, 0, true, false};

    for (uint32_t i = list + 1; i < compiler_end(c, list); i = compiler_token(c, i)->next)
        cells = cells_in_either(cells, cells_of_value(c, i));
    return cells;
}

static struct cells cells_of_branches(const struct plan *plan, const struct graph *graph,
                                      const struct check *check)
{
    const uint32_t *branches = plan_branches(plan) + check->with.nodes.first;
    struct cells cells = graph->cells[branches[0]];

    for (uint32_t i = 1; i < check->with.nodes.count; i++)
        cells = check->kind == CHECK_ALL_OF ? cells_in_both(cells, graph->cells[branches[i]])
                                            : cells_in_either(cells, graph->cells[branches[i]]);
    return cells;
}

/* Returns what a check allows, by itself or through schemas for the same value. */
static struct cells cells_of_check(struct compiler *c, const struct graph *graph,
                                   const struct check *check)
{
    struct cells cells = any_cells;

    switch (check->kind) {
    case CHECK_TYPE:
    case CHECK_INTEGER_04:
        cells.types = check->with.types;
        cells.is_typed = true;
        break;
    case CHECK_ENUM:
        return cells_of_enum(c, check->token);
    case CHECK_CONST:
        return cells_of_value(c, check->token);
    case CHECK_REF:
    case CHECK_ENTER:
        return graph->cells[plan_entered(check)];
    case CHECK_ALL_OF:
    case CHECK_ANY_OF:
    case CHECK_ONE_OF:
        return cells_of_branches(c->plan, graph, check);
    default:
        break;
    }
    if (!(cells.types & ROW_STRING))
        cells.alike = 0;
    return cells;
}

/* Combines cells and heights, from the ends of the chains up. */
static bool fold(struct compiler *c, struct graph *graph)
{
    const struct link *links = plan_links(c->plan);

    for (uint32_t i = graph->ordered; i-- > 0;) {
        uint32_t index = graph->order[i];
        struct node *node = &c->plan->nodes[index];

        for (uint32_t j = graph->first[index]; j < graph->first[index + 1]; j++)
            if (graph->height[links[j].to] >= graph->height[index])
                graph->height[index] = graph->height[links[j].to] + 1;
        graph->cells[index] = any_cells;
        for (uint32_t j = 0; j < node->check_count; j++)
            graph->cells[index] =
                cells_in_both(graph->cells[index],
                              cells_of_check(c, graph, &c->plan->checks[node->first_check + j]));
        c->node = index;
        if (graph->height[index] > CHAIN_MAX)
            return compiler_refuse(c, "", "applies a chain of more than %d schemas to one value",
                                   CHAIN_MAX);
    }
    c->node = 0;
    return true;
}

/* True if the slots of the root's own object are unchanged after the root was checked. */
static bool is_own(const struct plan *plan)
{
    const struct node *root = &plan->nodes[0];

    for (uint32_t i = root->first_check; i < root->first_check + root->check_count; i++)
        if (plan->checks[i].kind >= CHECK_DEPENDENT)
            return false;
    return true;
}

/* Marks the root, and the schemas that allOf and $ref apply to every row. */
static bool *mark_root(const struct plan *plan, const struct graph *graph)
{
    bool *marked = mem_calloc(plan->node_count, sizeof *marked);

    marked[0] = true;
    for (uint32_t i = 0; i < graph->ordered; i++) {
        const struct node *node = &plan->nodes[graph->order[i]];

        for (uint32_t j = 0; marked[graph->order[i]] && j < node->check_count; j++) {
            const struct check *check = &plan->checks[node->first_check + j];

            if (check->kind == CHECK_REF || check->kind == CHECK_ENTER)
                marked[plan_entered(check)] = true;
            for (uint32_t k = 0; check->kind == CHECK_ALL_OF && k < check->with.nodes.count; k++)
                marked[plan_branches(plan)[check->with.nodes.first + k]] = true;
        }
    }
    return marked;
}

/* Such a number would become a string in every row, without any violation. */
static bool refuse_alike(struct compiler *c, uint32_t node)
{
    c->node = node;
    return compiler_refuse(c, "",
                           "lists strings that look like its other values, which CSV cells cannot "
                           "distinguish: add \"type\"");
}

/* Adds what one object declares to the object of the shape. */
static bool add_properties(struct compiler *c, const struct graph *graph,
                           const struct object *object)
{
    struct plan *plan = c->plan;
    struct schema *schema = c->schema;

    for (uint32_t i = 0; i < object->declared_count; i++) {
        struct object *shape = &plan->objects[plan->shape_object];
        struct cells cells = graph->cells[object->members[i].node];
        uint32_t index = object_add(plan, shape, object->members[i].name);
        unsigned others = cells.types & ~(unsigned)ROW_STRING;
        unsigned words = cells.is_listed && others && !(others & cells.alike) ? ROW_WORDS : 0;
        struct row_property *property;

        if (cells.is_listed && !cells.is_typed && cells.types & ROW_STRING && others && !words)
            return refuse_alike(c, object->members[i].node);
        if (index == shape->declared_count) {
            shape->declared_count++;
            schema->properties =
                mem_resize(schema->properties, index + 1, sizeof *schema->properties);
            schema->properties[index] = (struct row_property){shape->members[index].name, ROW_ANY};
        }
        property = &schema->properties[index];
        words |= property->types & ROW_WORDS;
        property->types = types_in_both(property->types & ROW_ANY, cells.types);
        if (property->types & ROW_STRING)
            property->types |= words;
    }
    return true;
}

/* Makes the shape for the readers: the properties that a row can have. */
static bool make_shape(struct compiler *c, const struct graph *graph)
{
    bool *marked = mark_root(c->plan, graph), done = true;
    uint32_t index = plan_add_object(c->plan);
    struct schema *schema = c->schema;

    c->plan->shape_object = index;
    c->plan->shape_is_own = is_own(c->plan);
    for (uint32_t i = 0; i < graph->ordered && done; i++) {
        const struct object *object = NULL;

        if (marked[graph->order[i]])
            object = plan_object_of(c->plan, graph->order[i]);
        if (object)
            done = add_properties(c, graph, object);
    }
    free(marked);
    for (uint32_t i = 0; i < c->plan->objects[index].declared_count; i++)
        if (!schema->properties[i].types) /* no value is valid: the checks report why */
            schema->properties[i].types = ROW_ANY;
    schema->shape = (struct row_shape){.schema_name = schema->name,
                                       .properties = schema->properties,
                                       .count = c->plan->objects[index].declared_count,
                                       .version_required = true};
    return done;
}

bool graph_compile(struct compiler *c)
{
    struct graph graph;
    bool done;

    graph_init(&graph, c->plan);
    done = graph.ordered == c->plan->node_count || refuse_circle(c, &graph);
    done = done && fold(c, &graph);
    if (done && !(graph.cells[0].types & ROW_OBJECT))
        done = compiler_refuse(c, compiler_member(c, 0, "type") ? "/type" : "",
                               "must allow an object, because the fields of a row are one");
    done = done && make_shape(c, &graph);
    graph_release(&graph);
    return done;
}
