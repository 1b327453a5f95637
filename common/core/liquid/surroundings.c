/*
 * Finds out, once a program stands, in which state of the surrounding language each value is printed. The nodes are
 * walked as they nest: every branch begins where its block begins, and what follows the block goes on from what the
 * branches have in common.
 */
#include "core/liquid/parser.h"

struct walk {
    struct parser *parser;
    const struct liquid_surroundings *rules;
    struct unit *unit;
    bool is_fine;
};

static uint32_t walk_nodes(struct walk *w, uint32_t from, uint32_t to, uint32_t state);

static void report(struct walk *w, const struct node *node, const char *hint, const char *message)
{
    parser_fail(w->parser, w->unit->text + node->at, hint, "%s", message);
    w->is_fine = false;
}

static void place_print(struct walk *w, struct node *node, uint32_t state)
{
    const char *hint = NULL;
    const char *why = w->rules->refuse(state, &hint);

    if (why) {
        report(w, node, hint, why);
    } else if (w->rules->is_checked(state)) {
        node->flags |= PRINT_CHECKED;
    }
}

/* What prints without passing through an output cannot be checked. */
static void place_other(struct walk *w, const struct node *node, uint32_t state)
{
    if (w->rules->is_checked(state)) {
        report(w, node, "print the address with {{ ... }}", "a link must not come from a tag");
    }
}

/* if, unless, case, for: its branches stand behind it. */
static uint32_t walk_branches(struct walk *w, uint32_t index, uint32_t state, bool has_else)
{
    const struct node *nodes = w->unit->nodes.items;
    uint32_t after = state;
    bool is_first = true;

    for (uint32_t b = index + 1; b < nodes[index].end; b = nodes[b].end) {
        uint32_t end = walk_nodes(w, b + 1, nodes[b].end, state);

        after = is_first ? end : w->rules->join(after, end);
        is_first = false;
        has_else |= (nodes[b].flags & BRANCH_ELSE) != 0;
    }
    return has_else && !is_first ? after : w->rules->join(after, state);
}

static uint32_t walk_node(struct walk *w, uint32_t i, uint32_t state)
{
    struct node *node = &w->unit->nodes.items[i];

    switch ((enum node_kind)node->kind) {
    case NODE_TEXT:
        return w->rules->advance(state, node->text);
    case NODE_PRINT:
        place_print(w, node, state);
        return state;
    case NODE_IF:
    case NODE_CASE:
    case NODE_FOR:
        return walk_branches(w, i, state, false);
    case NODE_CAPTURE:
        walk_nodes(w, i + 1, node->end, 0); /* where it will be printed nobody knows */
        return state;
    case NODE_TABLEROW:
    case NODE_IFCHANGED:
        return w->rules->join(walk_nodes(w, i + 1, node->end, state), state);
    case NODE_CYCLE:
    case NODE_INCLUDE:
    case NODE_RENDER:
        place_other(w, node, state);
        return state;
    case NODE_ASSIGN:
    case NODE_COUNT:
    case NODE_BRANCH:
    case NODE_BREAK:
    case NODE_CONTINUE:
        return state;
    }
    return state;
}

static uint32_t walk_nodes(struct walk *w, uint32_t from, uint32_t to, uint32_t state)
{
    for (uint32_t i = from; i < to; i = w->unit->nodes.items[i].end) {
        state = walk_node(w, i, state);
    }
    return state;
}

bool parser_place_outputs(struct parser *p)
{
    struct walk w = {.parser = p, .rules = p->options->surroundings, .is_fine = true};

    for (p->unit = 0; p->unit < p->template->units.count; p->unit++) {
        w.unit = &p->template->units.items[p->unit];
        p->source.base = w.unit->text;
        walk_nodes(&w, 0, w.unit->nodes.count, 0);
    }
    return w.is_fine;
}
