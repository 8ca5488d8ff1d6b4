/* Statements of SQLite that fail, at their beginning or after some of their work. */
#pragma once

#include <stdbool.h>

struct sqlite3;

enum fault_sql {
    FAULT_SQL_PREPARE, /* not authorized: statements that were prepared earlier count, too, because
                          they are prepared again at their next step */
    FAULT_SQL_STEP,    /* interrupted at an instruction; a transaction that writes is rolled back */
};

/* The n-th authorization or instruction of the connection from now on (1: the next) fails. */
void fault_sql_arm(struct sqlite3 *db, enum fault_sql kind, unsigned n);

/* The same of the connection that is opened next. */
void fault_sql_arm_next(enum fault_sql kind, unsigned n);

/* From now on nothing fails; db may be NULL. Returns whether something did since fault_sql_arm. */
bool fault_sql_disarm(struct sqlite3 *db);
