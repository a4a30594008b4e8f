/* SPDX-License-Identifier: MIT */
/*
 * Completion scripts for shells, made from the tables of commands, options and methods; the build writes them to files.
 * The names of loops are asked of the running daemon, at the socket that the command line names.
 */
#include "client/command.h"

#include <stdio.h>
#include <string.h>

static const char bash_loops[] = "\"$1\" loops --names --timeout 1s ${socket:+--socket \"$socket\"} 2>/dev/null";

/* ---- What there is to choose from ------------------------------------------------------------------------------- */

static const struct param_info *find_param(const struct command *command, const char *option)
{
    char name[OPTION_NAME_SIZE];
    bool argument;

    for (size_t i = 0; i < PARAMS_MAX; i++)
        if (method_option(command, i, name, &argument) && strcmp(name, option) == 0)
            return &method_table[command->method].params[i];
    return NULL;
}

/* The words that an option of this name takes, whichever command it is of; NULL: they cannot be listed. */
static const char *const *choices_of(const char *option)
{
    for (size_t i = 0; commands[i]; i++) {
        const struct param_info *info = find_param(commands[i], option);

        if (info && info->choices)
            return info->choices;
    }
    return NULL;
}

static void print_words(const char *const *words)
{
    for (size_t i = 0; words[i]; i++)
        printf("%s%s", i > 0 ? " " : "", words[i]);
}

static void print_command_names(void)
{
    for (size_t i = 0; commands[i]; i++)
        printf("%s ", commands[i]->name);
    printf("help");
}

static void print_method_names(void)
{
    for (size_t i = 0; i < METHODS; i++)
        printf("%s%s", i > 0 ? " " : "", method_table[i].name);
}

/* What a command takes besides options, where it can be listed. Returns whether something was printed. */
static bool print_argument_words(const struct command *command)
{
    if (command == &command_call)
        print_method_names();
    else if (command == &command_shutdown)
        printf("read write both");
    else
        return false;
    return true;
}

/* Calls for each option of any command that takes an argument, each name once. */
static void for_each_argument_option(void (*call)(const char *name))
{
    char names[PARAMS_MAX][OPTION_NAME_SIZE], seen[1024] = " ", word[OPTION_NAME_SIZE + 2];
    struct option table[OPTIONS_MAX];

    for (size_t i = 0; commands[i]; i++) {
        size_t count = options_of(commands[i], table, names);

        for (size_t j = 0; j < count; j++) {
            snprintf(word, sizeof(word), " %s ", table[j].name);
            if (!table[j].has_arg || strstr(seen, word))
                continue;
            call(table[j].name);
            snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s ", table[j].name);
        }
    }
}

static void print_pattern(const char *name)
{
    printf("|--%s", name);
}

static void print_options(const struct command *command)
{
    char names[PARAMS_MAX][OPTION_NAME_SIZE];
    struct option table[OPTIONS_MAX];
    size_t count = options_of(command, table, names);

    for (size_t i = 0; i < count; i++)
        printf("%s--%s", i > 0 ? " " : "", table[i].name);
}

/* ---- bash ------------------------------------------------------------------------------------------------------- */

static void print_bash_option(const char *name)
{
    const char *const *choices = choices_of(name);

    if (strcmp(name, "loop") == 0)
        printf("    --loop) words=$(%s) ;;\n", bash_loops);
    else if (strcmp(name, "socket") == 0)
        puts("    --socket) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;");
    else if (choices) {
        printf("    --%s) words='", name);
        print_words(choices);
        puts("' ;;");
    } else
        printf("    --%s) return ;;\n", name);
}

static void print_bash_command(const struct command *command)
{
    printf("    %s)\n        case $cur in\n        -*) words='", command->name);
    print_options(command);
    printf("' ;;\n        *) words='");
    print_argument_words(command);
    puts("' ;;\n        esac ;;");
}

/* Where bash cuts --loop=NAME it makes three words of it. */
static void print_bash(void)
{
    puts("# bash completion for minimioctl, made by its build\n"
         "_minimioctl()\n"
         "{\n"
         "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' socket='' words='' "
         "option i\n"
         "    COMPREPLY=()\n"
         "    [ \"$prev\" != = ] || prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
         "    [ \"$cur\" != = ] || cur=''\n"
         "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "        case ${COMP_WORDS[i]} in");
    puts("        --) COMPREPLY=($(compgen -c -f -- \"$cur\")); return ;;");
    printf("        --socket");
    for_each_argument_option(print_pattern);
    puts(")\n"
         "            option=${COMP_WORDS[i]}\n"
         "            [ \"${COMP_WORDS[i + 1]}\" != = ] || ((i++))\n"
         "            ((i++))\n"
         "            [ \"$option\" != --socket ] || socket=${COMP_WORDS[i]} ;;\n"
         "        -*) ;;\n"
         "        *) [ -n \"$command\" ] || command=${COMP_WORDS[i]} ;;\n"
         "        esac\n"
         "    done\n"
         "    case $prev in");
    for_each_argument_option(print_bash_option);
    puts("    *)\n    case $command in");
    for (size_t i = 0; commands[i]; i++)
        print_bash_command(commands[i]);
    printf("    help) words='");
    print_command_names();
    printf("' ;;\n    '')\n        case $cur in\n        -*) words='");
    print_options(NULL);
    printf("' ;;\n        *) words='");
    print_command_names();
    puts("' ;;\n        esac ;;\n    esac ;;\n    esac\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
         "}\n"
         "complete -F _minimioctl minimioctl");
}

/* ---- zsh -------------------------------------------------------------------------------------------------------- */

/* A text between single quotes. */
static void print_quoted(const char *text)
{
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*text);
}

static void print_zsh_option(const char *name)
{
    const char *const *choices = choices_of(name);

    if (strcmp(name, "loop") == 0)
        puts("    --loop) compadd -- ${(f)\"$($words[1] loops --names --timeout 1s ${socket:+--socket} $socket "
             "2>/dev/null)\"}; return ;;");
    else if (strcmp(name, "socket") == 0)
        puts("    --socket) _files; return ;;");
    else if (choices) {
        printf("    --%s) compadd -- ", name);
        print_words(choices);
        puts("; return ;;");
    } else
        printf("    --%s) return ;;\n", name);
}

static void print_zsh(void)
{
    puts("#compdef minimioctl\n"
         "# zsh completion for minimioctl, made by its build\n"
         "_minimioctl()\n"
         "{\n"
         "    local command='' socket='' i\n"
         "    local -a names\n"
         "    for ((i = 2; i < CURRENT; i++)); do\n"
         "        case $words[i] in");
    printf("        --) shift $i words; ((CURRENT -= i)); _normal; return ;;\n        --socket");
    for_each_argument_option(print_pattern);
    puts(") [[ $words[i] != --socket ]] || socket=$words[i+1]; ((i++)) ;;\n"
         "        -*) ;;\n"
         "        *) [[ -n $command ]] || command=$words[i] ;;\n"
         "        esac\n"
         "    done\n"
         "    case $words[CURRENT-1] in");
    for_each_argument_option(print_zsh_option);
    puts("    esac\n    case $command in");
    for (size_t i = 0; commands[i]; i++) {
        printf("    %s)\n        [[ $words[CURRENT] != -* ]] || compadd -- ", commands[i]->name);
        print_options(commands[i]);
        printf("\n        [[ $words[CURRENT] == -* ]] || compadd -- ");
        print_argument_words(commands[i]);
        puts(" ;;");
    }
    printf("    help) compadd -- ");
    print_command_names();
    puts(" ;;\n    '')\n        names=(");
    for (size_t i = 0; commands[i]; i++) {
        printf("            '%s:", commands[i]->name);
        print_quoted(commands[i]->summary);
        puts("'");
    }
    printf("            'help:tell more about a command'\n        )\n        if [[ $words[CURRENT] == -* ]]; then "
           "compadd -- ");
    print_options(NULL);
    puts("; else _describe command names; fi ;;\n"
         "    esac\n"
         "}\n"
         "_minimioctl \"$@\"");
}

/* ---- fish ------------------------------------------------------------------------------------------------------- */

static void print_fish_option(const char *condition, const struct command *command, const struct option *option)
{
    const char *const *choices = choices_of(option->name);
    const struct param_info *info = command ? find_param(command, option->name) : NULL;

    printf("complete -c minimioctl -n '%s' -l %s", condition, option->name);
    if (strcmp(option->name, "loop") == 0)
        printf(" -x -a '(minimioctl loops --names --timeout 1s 2>/dev/null)'");
    else if (strcmp(option->name, "socket") == 0)
        printf(" -r -F");
    else if (option->has_arg)
        printf(" -x");
    if (choices && option->has_arg) {
        printf(" -a '");
        print_words(choices);
        printf("'");
    }
    if (info) {
        printf(" -d '");
        print_quoted(info->summary);
        printf("'");
    }
    putchar('\n');
}

static void print_fish_command(const struct command *command)
{
    char names[PARAMS_MAX][OPTION_NAME_SIZE], condition[96];
    struct option table[OPTIONS_MAX];
    size_t count = options_of(command, table, names);

    printf("complete -c minimioctl -n __fish_use_subcommand -a %s -d '", command->name);
    print_quoted(command->summary);
    puts("'");
    snprintf(condition, sizeof(condition), "__fish_seen_subcommand_from %s", command->name);
    for (size_t i = 0; i < count; i++)
        print_fish_option(condition, command, &table[i]);
    if (command == &command_call || command == &command_shutdown) {
        printf("complete -c minimioctl -n '%s' -a '", condition);
        print_argument_words(command);
        puts("'");
    }
}

static void print_fish(void)
{
    char names[PARAMS_MAX][OPTION_NAME_SIZE];
    struct option table[OPTIONS_MAX];
    size_t count = options_of(NULL, table, names);

    puts("# fish completion for minimioctl, made by its build\ncomplete -c minimioctl -f");
    for (size_t i = 0; i < count; i++)
        print_fish_option("__fish_use_subcommand", NULL, &table[i]);
    for (size_t i = 0; commands[i]; i++)
        print_fish_command(commands[i]);
    printf("complete -c minimioctl -n '__fish_seen_subcommand_from help' -a '");
    print_command_names();
    puts("'\ncomplete -c minimioctl -n __fish_use_subcommand -a help -d 'tell more about a command'");
}

bool print_completions(const char *shell)
{
    if (strcmp(shell, "bash") == 0)
        print_bash();
    else if (strcmp(shell, "zsh") == 0)
        print_zsh();
    else if (strcmp(shell, "fish") == 0)
        print_fish();
    else
        return false;
    return true;
}
