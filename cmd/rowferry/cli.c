#include "cmd/rowferry/cli.h"

#include "cmd/rowferry/words.h"

void cli_repeat(const struct cli *cli, struct buf *out)
{
    for (int i = 0; i < cli->argc; i++) {
        if (i > 0)
            buf_append_char(out, ' ');
        words_quote(out, cli->argv[i]);
    }
}

void cli_other(const struct cli *cli, unsigned command, struct buf *out)
{
    words_quote(out, cli->argv[0]);
    for (const struct command *other = cli->commands; other->name; other++)
        if (other->bit == command)
            buf_printf(out, " %s", other->name);
    options_repeat(&cli->options, command, out);
}
