# Functions that may not be called, and where. Input: the lines of code.awk. A finding is
# FILE:LINE: what is called; what to use.
#
# A rule is: names | files it holds for | files it does not hold for | what to use.
BEGIN {
    FS = ":"
    rule("strcpy stpcpy strcat strncpy strncat sprintf vsprintf gets", ".", "^$",
         "use snprintf, mem_printf or a buf, which know the room there is")
    rule("atoi atol atoll atof", ".", "^$", "use str_to_int64, which reports what is not a number")
    rule("scanf sscanf fscanf vsscanf", ".", "^$", "read the text with str_ functions")
    rule("strtok strtok_r", ".", "^$", "use spans (core/base/str.h)")
    rule("gmtime localtime localtime_r mktime ctime asctime", "^(core|cmd)/", "^$",
         "use core/base/clock.h: local time has no place here, and gmtime no second thread")
    rule("rand srand random srandom drand48", ".", "^$",
         "use getrandom, or a generator whose seed is an argument")
    rule("system popen execl execlp execle execv execvp vfork", "^(core|cmd)/", "^$",
         "child_run (core/base/child.h) starts what the operator asks for")
    rule("tmpnam tempnam mktemp tmpfile", ".", "^$", "create files with O_EXCL, or use mkstemp")
    rule("alloca strdupa", ".", "^$", "use mem_ or an array of fixed size")
    rule("setjmp longjmp sigsetjmp siglongjmp", "^(core|cmd)/", "^$", "return false and an err")
    rule("malloc calloc realloc reallocarray strdup strndup asprintf vasprintf", "^(core|cmd)/",
         "^core/base/mem\\.c$", "use mem_, which never returns NULL")
    rule("exit _exit quick_exit", "^(core|cmd)/",
         "^cmd/[^/]*/main\\.c$|^core/base/stop\\.c$|^cmd/rowferry/exit\\.c$",
         "return to main, which knows the status")
    rule("printf vprintf puts putchar perror getenv secure_getenv setenv putenv getopt getopt_long",
         "^core/", "^$", "only cmd/ prints, and reads arguments or the environment")
    rule("sleep usleep", "^(core|cmd)/", "^$", "wait for what is to happen (poll, a condition, a deadline)")
    rule("sqlite3_bind_int sqlite3_bind_int64 sqlite3_bind_double sqlite3_bind_null " \
         "sqlite3_bind_text sqlite3_bind_text64 sqlite3_bind_blob sqlite3_bind_blob64 " \
         "sqlite3_column_int sqlite3_column_int64 sqlite3_column_double sqlite3_column_text " \
         "sqlite3_column_blob sqlite3_column_bytes sqlite3_column_type", "^core/store/",
         "^core/store/db\\.[ch]$", "use db_bind_ and db_column_, which go by names")
    word_rule("stdout stderr environ", "^core/", "^core/(base/mem|store/db)\\.c$",
              "only cmd/ prints, and reads arguments or the environment")
    word_rule("goto", ".", "^$", "split the function: one worker that returns early, one that closes")
}

function add(kind, names, files, except, advice, name, n, i)
{
    n = split(names, name, " ")
    for (i = 1; i <= n; i++) {
        count++
        what[count] = name[i]
        holds[count] = files
        exempt[count] = except
        use[count] = advice
        pattern[count] = "(^|[^A-Za-z0-9_.>])" name[i] \
            (kind == "call" ? "[ \t]*\\(" : "($|[^A-Za-z0-9_])")
    }
}

function rule(names, files, except, advice)
{
    add("call", names, files, except, advice)
}

function word_rule(names, files, except, advice)
{
    add("word", names, files, except, advice)
}

# The rules for one file are picked once: most lines then meet plain comparisons only.
$1 != file {
    file = $1
    picked = 0
    for (i = 1; i <= count; i++)
        if (file ~ holds[i] && file !~ exempt[i])
            pick[++picked] = i
}

{
    code = $0
    sub(/^[^:]*:[^:]*:/, "", code)
    if (code == "" || code ~ /^[ \t]*#[ \t]*include/)
        next
    for (i = 1; i <= picked; i++)
        if (index(code, what[pick[i]]) && code ~ pattern[pick[i]]) {
            print $1 ":" $2 ": " what[pick[i]] " is not used here; " use[pick[i]]
            failed = 1
        }
}

END { exit failed }
