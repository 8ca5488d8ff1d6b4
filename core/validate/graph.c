/* Schemas that apply to the same value as another: none may do so without end, and together they
 * say which types a value may have and which properties a row. */
#include "core/base/mem.h"
#include "core/validate/compiler.h"

#include <stdlib.h>

enum { CHAIN_MAX = 64 /* schemas that apply to one value through one another */ };

struct graph {
    uint32_t *first;   /* per node: its first link, which are in the order of their nodes */
    uint32_t *waiting; /* per node: links to it from nodes that are not in order yet */
    uint32_t *order;   /* nodes, each behind all that apply it */
    uint32_t *height;  /* per node: of the longest chain that begins there */
    uint32_t ordered;  /* nodes in order */
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
}

static const char *reference_keyword(struct compiler *c, uint32_t token)
{
    static const char *const names[] = {"$ref", "$dynamicRef", "$recursiveRef"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (compiler_member(c, token, names[i]))
            return names[i];
    return NULL;
}

/* A node that still waits has a node before it that waits too: going back from one to the other, as
 * often as there are nodes, ends on a circle; and every circle goes through a $ref. */
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
    return compiler_refuse(c, "", "leads back to itself without going down into the value");
}

/* Whether both could be told of one value; an integer is a number. */
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

/* What the schemas that a check applies to the same value leave of the types. */
static unsigned types_of_check(const struct plan *plan, const struct check *check)
{
    const uint32_t *branches;
    unsigned types = check->kind == CHECK_ALL_OF ? ROW_ANY : 0;

    if (check->kind == CHECK_REF || check->kind == CHECK_ENTER)
        return plan->nodes[plan_entered(check)].types;
    if (check->kind != CHECK_ALL_OF && check->kind != CHECK_ANY_OF && check->kind != CHECK_ONE_OF)
        return ROW_ANY;
    branches = plan_branches(plan) + check->with.nodes.first;
    for (uint32_t i = 0; i < check->with.nodes.count; i++) {
        unsigned branch = plan->nodes[branches[i]].types;

        types = check->kind == CHECK_ALL_OF ? types_in_both(types, branch) : types | branch;
    }
    return types;
}

/* From the ends of the chains up. */
static bool fold(struct compiler *c, struct graph *graph)
{
    const struct link *links = plan_links(c->plan);

    for (uint32_t i = graph->ordered; i-- > 0;) {
        uint32_t index = graph->order[i];
        struct node *node = &c->plan->nodes[index];

        for (uint32_t j = graph->first[index]; j < graph->first[index + 1]; j++)
            if (graph->height[links[j].to] >= graph->height[index])
                graph->height[index] = graph->height[links[j].to] + 1;
        for (uint32_t j = 0; j < node->check_count; j++)
            node->types = types_in_both(
                node->types, types_of_check(c->plan, &c->plan->checks[node->first_check + j]));
        c->node = index;
        if (graph->height[index] > CHAIN_MAX)
            return compiler_refuse(c, "", "applies more than %d schemas through one another",
                                   CHAIN_MAX);
    }
    c->node = 0;
    return true;
}

/* Whether what fills the slots of the root's own object is still there when the root is checked. */
static bool is_own(const struct plan *plan)
{
    const struct node *root = &plan->nodes[0];

    for (uint32_t i = root->first_check; i < root->first_check + root->check_count; i++)
        if (plan->checks[i].kind >= CHECK_DEPENDENT)
            return false;
    return true;
}

/* Marks the root and what allOf and $ref apply to a row as well. */
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

/* Adds what one object declares to the object of the shape. */
static void add_properties(struct compiler *c, const struct object *object)
{
    struct plan *plan = c->plan;
    struct schema *schema = c->schema;

    for (uint32_t i = 0; i < object->declared_count; i++) {
        struct object *shape = &plan->objects[plan->shape_object];
        unsigned types = plan->nodes[object->members[i].node].types;
        uint32_t index = object_add(plan, shape, object->members[i].name);
        struct row_property *property;

        if (index == shape->declared_count) {
            shape->declared_count++;
            schema->properties =
                mem_resize(schema->properties, index + 1, sizeof *schema->properties);
            schema->properties[index] = (struct row_property){shape->members[index].name, ROW_ANY};
        }
        property = &schema->properties[index];
        property->types = types_in_both(property->types, types);
    }
}

/* What the readers must know: the properties that a row may have by name. */
static void make_shape(struct compiler *c, const struct graph *graph)
{
    bool *marked = mark_root(c->plan, graph);
    uint32_t index = plan_add_object(c->plan);
    struct schema *schema = c->schema;

    c->plan->shape_object = index;
    c->plan->shape_is_own = is_own(c->plan);
    for (uint32_t i = 0; i < graph->ordered; i++) {
        const struct object *object = NULL;

        if (marked[graph->order[i]])
            object = plan_object_of(c->plan, graph->order[i]);
        if (object)
            add_properties(c, object);
    }
    free(marked);
    for (uint32_t i = 0; i < c->plan->objects[index].count; i++)
        if (!schema->properties[i].types) /* no value is right: the checks will say why */
            schema->properties[i].types = ROW_ANY;
    schema->shape = (struct row_shape){.schema_name = schema->name,
                                       .properties = schema->properties,
                                       .count = c->plan->objects[index].declared_count,
                                       .version_required = true};
}

bool graph_compile(struct compiler *c)
{
    struct graph graph;
    bool done;

    graph_init(&graph, c->plan);
    done = graph.ordered == c->plan->node_count || refuse_circle(c, &graph);
    done = done && fold(c, &graph);
    if (done && !(c->plan->nodes[0].types & ROW_OBJECT))
        done = compiler_refuse(c, compiler_member(c, 0, "type") ? "/type" : "",
                               "must allow an object, which the fields of a row are");
    if (done)
        make_shape(c, &graph);
    graph_release(&graph);
    return done;
}
