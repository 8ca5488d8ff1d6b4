/* Schemas that apply to the same value as another. */
#pragma once

#include "core/validate/compiler.h"

/* Called when all nodes are compiled: refuses schemas that apply to one value without end, and
 * finds the types that each node allows and the properties of the shape. */
bool graph_compile(struct compiler *c);
