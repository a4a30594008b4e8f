/* SPDX-License-Identifier: MIT */
/*
 * `completions`: prints completion scripts, generated from the tables of commands, options and methods; the build
 * writes the scripts to files. The scripts fetch the names of loops from the running daemon, at the socket of the
 * command line. The shell never expands names of loops and files; the scripts quote the names if the shell does not.
 */
#include "client/ctl/commands.h"
#include "client/ctl/options.h"
#include "client/ctl/output.h"

#include <stdio.h>
#include <string.h>

static const char *const shells[] = {"bash", "zsh", "fish", NULL};

/* ---- What there is to choose from ------------------------------------------------------------------------------- */

static const struct param_info *find_param(const struct command *command, const char *option)
{
    char name[OPTION_NAME_SIZE];
    bool argument;

    for (size_t i = 0; i < PARAMS_MAX; i++)
        if (param_option(command, i, name, &argument) && strcmp(name, option) == 0)
            return &method_table[command->method].params[i];
    return NULL;
}

/* The valid words of an option of any command; NULL: no fixed list. */
static const char *const *choices_of(const struct command *const *commands, const char *option)
{
    static const char *const interests[] = {"readable", "writable", "closed", NULL};

    if (strcmp(option, "role") == 0)
        return role_names;
    for (size_t i = 0; commands[i]; i++) {
        const struct param_info *info = find_param(commands[i], option);

        if (info && info->type == PARAM_INTERESTS)
            return interests;
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

static void print_command_names(const struct command *const *commands)
{
    for (size_t i = 0; commands[i]; i++)
        printf("%s ", commands[i]->name);
    printf("help");
}

static void print_method_names(void)
{
    for (size_t i = 0; i < METHOD_COUNT; i++)
        printf("%s%s", i > 0 ? " " : "", method_table[i].name);
}

/* Prints the valid arguments of a command, if there is a fixed list. Returns whether words were printed. */
static bool print_argument_words(const struct command *command)
{
    if (command == &command_call)
        print_method_names();
    else if (command == &command_shutdown)
        printf("read write both");
    else if (command == &command_completions)
        print_words(shells);
    else
        return false;
    return true;
}

/* Calls the function once for each name of an option with an argument, over all commands. */
static void for_each_argument_option(const struct command *const *commands,
                                     void (*call)(const struct command *const *commands, const char *name))
{
    char names[PARAMS_MAX][OPTION_NAME_SIZE], seen[1024] = " ", word[OPTION_NAME_SIZE + 2];
    struct option table[OPTIONS_MAX];

    for (size_t i = 0; commands[i]; i++) {
        size_t count = options_of(commands[i], table, names);

        for (size_t j = 0; j < count; j++) {
            snprintf(word, sizeof word, " %s ", table[j].name);
            if (!table[j].has_arg || strstr(seen, word))
                continue;
            call(commands, table[j].name);
            snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s ", table[j].name);
        }
    }
}

static void print_pattern(const struct command *const *commands, const char *name)
{
    (void)commands;
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

static void print_bash_option(const struct command *const *commands, const char *name)
{
    const char *const *choices = choices_of(commands, name);

    if (strcmp(name, "loop") == 0)
        puts("    --loop) _minimioctl_loops \"$1\" \"$socket\" \"$cur\"; return ;;");
    else if (strcmp(name, "socket") == 0)
        puts("    --socket) _minimioctl_files -f \"$cur\"; return ;;");
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

/* bash passes words as typed, with quotes. eval would execute commands in the words. */
static const char bash_functions[] =
    "# Sets `word` to what was typed without its quotes; ~/ and a variable stand for their values at the beginning "
    "only.\n"
    "_minimioctl_word()\n"
    "{\n"
    "    local typed=$1 quote='' letter i\n"
    "    local variable='^\\$\\{?([A-Za-z_][A-Za-z0-9_]*)\\}?(.*)$'\n"
    "    word=''\n"
    "    [[ $typed != '~/'* ]] || { word=$HOME; typed=${typed:1}; }\n"
    "    if [[ ${typed#'\"'} =~ $variable ]]; then\n"
    "        [[ $typed != '\"'* ]] || quote='\"'\n"
    "        word=${!BASH_REMATCH[1]} typed=${BASH_REMATCH[2]}\n"
    "    fi\n"
    "    for ((i = 0; i < ${#typed}; i++)); do\n"
    "        letter=${typed:i:1}\n"
    "        if [[ $letter == '\\' && $quote != \"'\" ]]; then\n"
    "            ((i++))\n"
    "            word+=${typed:i:1}\n"
    "        elif [[ -z $quote && ( $letter == \"'\" || $letter == '\"' ) ]]; then\n"
    "            quote=$letter\n"
    "        elif [[ -n $quote && $letter == \"$quote\" ]]; then\n"
    "            quote=''\n"
    "        else\n"
    "            word+=$letter\n"
    "        fi\n"
    "    done\n"
    "}\n"
    "\n"
    "# Files (-f) or commands and files (-c -f), a line each, so that a space does not end a name; bash quotes them.\n"
    "_minimioctl_files()\n"
    "{\n"
    "    local word line\n"
    "    _minimioctl_word \"${@: -1}\"\n"
    "    compopt -o filenames 2>/dev/null\n"
    "    while IFS= read -r line; do\n"
    "        COMPREPLY+=(\"$line\")\n"
    "    done < <(compgen \"${@:1:$#-1}\" -- \"$word\")\n"
    "}\n"
    "\n"
    "# The loops of the daemon. What a daemon names them is quoted for the command line, and expanded nowhere.\n"
    "_minimioctl_loops()\n"
    "{\n"
    "    local word program socket line\n"
    "    _minimioctl_word \"$1\"; program=$word\n"
    "    _minimioctl_word \"$2\"; socket=$word\n"
    "    _minimioctl_word \"$3\"\n"
    "    while IFS= read -r line; do\n"
    "        [[ $line != \"$word\"* ]] || COMPREPLY+=(\"$(printf %q \"$line\")\")\n"
    "    done < <(\"$program\" loops --names --timeout 1s ${socket:+--socket \"$socket\"} 2>/dev/null </dev/null)\n"
    "}\n";

/* bash may split --loop=NAME into three words. */
static void print_bash(const struct command *const *commands)
{
    printf("# bash completion for minimioctl, made by its build\n%s\n", bash_functions);
    puts("_minimioctl()\n"
         "{\n"
         "    local IFS=$' \\t\\n' # the words below are cut at spaces, whatever the user's IFS is\n"
         "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' socket='' words='' "
         "option i\n"
         "    COMPREPLY=()\n"
         "    [ \"$prev\" != = ] || prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
         "    [ \"$cur\" != = ] || cur=''\n"
         "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "        case ${COMP_WORDS[i]} in");
    puts("        --) _minimioctl_files -c -f \"$cur\"; return ;;");
    printf("        --socket");
    for_each_argument_option(commands, print_pattern);
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
    for_each_argument_option(commands, print_bash_option);
    puts("    *)\n    case $command in");
    for (size_t i = 0; commands[i]; i++)
        print_bash_command(commands[i]);
    printf("    help) words='");
    print_command_names(commands);
    printf("' ;;\n    '')\n        case $cur in\n        -*) words='");
    print_options(NULL);
    printf("' ;;\n        *) words='");
    print_command_names(commands);
    puts("' ;;\n        esac ;;\n    esac ;;\n    esac\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
         "}\n"
         "complete -F _minimioctl minimioctl");
}

/* ---- zsh -------------------------------------------------------------------------------------------------------- */

/* Prints a single-quoted text. */
static void print_quoted(const char *text)
{
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*text);
}

static void print_zsh_option(const struct command *const *commands, const char *name)
{
    const char *const *choices = choices_of(commands, name);

    if (strcmp(name, "loop") == 0)
        puts("    --loop) compadd -- ${(f)\"$($program loops --names --timeout 1s ${socket:+--socket} $socket "
             "2>/dev/null </dev/null)\"}; return ;;");
    else if (strcmp(name, "socket") == 0)
        puts("    --socket) _files; return ;;");
    else if (choices) {
        printf("    --%s) compadd -- ", name);
        print_words(choices);
        puts("; return ;;");
    } else
        printf("    --%s) return ;;\n", name);
}

static const char zsh_functions[] =
    "# Sets REPLY to what was typed without its quotes; ~/ and a variable stand for their values at the "
    "beginning.\n"
    "_minimioctl_word()\n"
    "{\n"
    "    local match mbegin mend\n"
    "    REPLY=${(Q)1}\n"
    "    if [[ $1 == '~/'* ]]; then\n"
    "        REPLY=$HOME${REPLY#'~'}\n"
    "    elif [[ ${1#'\"'} =~ '^\\$\\{?([A-Za-z_][A-Za-z0-9_]*)\\}?(.*)$' ]]; then\n"
    "        REPLY=${(P)match[1]}${(Q)match[2]%'\"'}\n"
    "    fi\n"
    "}\n"
    "\n";

static void print_zsh_command(const struct command *command)
{
    printf("    %s)\n        [[ $words[CURRENT] != -* ]] || compadd -- ", command->name);
    print_options(command);
    printf("\n        [[ $words[CURRENT] == -* ]] || compadd -- ");
    print_argument_words(command);
    puts(" ;;");
}

static void print_zsh(const struct command *const *commands)
{
    printf("#compdef minimioctl\n# zsh completion for minimioctl, made by its build\n%s", zsh_functions);
    puts("_minimioctl()\n"
         "{\n"
         "    local command='' socket='' program i\n"
         "    local -a names\n"
         "    _minimioctl_word $words[1]; program=$REPLY\n"
         "    for ((i = 2; i < CURRENT; i++)); do\n"
         "        case $words[i] in");
    printf("        --) shift $i words; ((CURRENT -= i)); _normal; return ;;\n        --socket");
    for_each_argument_option(commands, print_pattern);
    puts(")\n"
         "            [[ $words[i] != --socket ]] || { _minimioctl_word $words[i+1]; socket=$REPLY; }\n"
         "            ((i++)) ;;\n"
         "        --socket=*) _minimioctl_word ${words[i]#*=}; socket=$REPLY ;;\n"
         "        -*) ;;\n"
         "        *) [[ -n $command ]] || command=$words[i] ;;\n"
         "        esac\n"
         "    done\n"
         "    case $words[CURRENT-1] in");
    for_each_argument_option(commands, print_zsh_option);
    puts("    esac\n    case $command in");
    for (size_t i = 0; commands[i]; i++)
        print_zsh_command(commands[i]);
    printf("    help) compadd -- ");
    print_command_names(commands);
    puts(" ;;\n    '')\n        names=(");
    for (size_t i = 0; commands[i]; i++) {
        printf("            '%s:", commands[i]->name);
        print_quoted(commands[i]->summary);
        puts("'");
    }
    printf("            'help:print the help of a command'\n        )\n        if [[ $words[CURRENT] == -* ]]; then "
           "compadd -- ");
    print_options(NULL);
    puts("; else _describe command names; fi ;;\n"
         "    esac\n"
         "}\n"
         "_minimioctl \"$@\"");
}

/* ---- fish ------------------------------------------------------------------------------------------------------- */

static void print_fish_option(const struct command *const *commands, const char *condition,
                              const struct command *command, const struct option *option)
{
    const char *const *choices = choices_of(commands, option->name);
    const struct param_info *info = command ? find_param(command, option->name) : NULL;

    printf("complete -c minimioctl -n '%s' -l %s", condition, option->name);
    if (strcmp(option->name, "loop") == 0)
        printf(" -x -a '(__minimioctl_loops)'");
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

static void print_fish_command(const struct command *const *commands, const struct command *command)
{
    char names[PARAMS_MAX][OPTION_NAME_SIZE], condition[96];
    struct option table[OPTIONS_MAX];
    size_t count = options_of(command, table, names);

    printf("complete -c minimioctl -n __fish_use_subcommand -a %s -d '", command->name);
    print_quoted(command->summary);
    puts("'");
    snprintf(condition, sizeof condition, "__fish_seen_subcommand_from %s", command->name);
    for (size_t i = 0; i < count; i++)
        print_fish_option(commands, condition, command, &table[i]);
    if (command == &command_call || command == &command_shutdown || command == &command_completions) {
        printf("complete -c minimioctl -n '%s' -a '", condition);
        print_argument_words(command);
        puts("'");
    }
}

static void print_fish(const struct command *const *commands)
{
    char names[PARAMS_MAX][OPTION_NAME_SIZE];
    struct option table[OPTIONS_MAX];
    size_t count = options_of(NULL, table, names);

    puts("# fish completion for minimioctl, made by its build\n"
         "# Prints a word with ~/ or a variable at its beginning replaced.\n"
         "function __minimioctl_word\n"
         "    set -l parts (string match -r '^\\$([A-Za-z_][A-Za-z0-9_]*)(.*)$' -- $argv[1])\n"
         "    if test (count $parts) -gt 1\n"
         "        set -l name $parts[2]\n"
         "        echo -- $$name$parts[3]\n"
         "    else\n"
         "        string replace -r '^~/' $HOME/ -- $argv[1]\n"
         "    end\n"
         "end\n"
         "# The loops of the daemon that the command line names. fish quotes them.\n"
         "function __minimioctl_loops\n"
         "    set -l words (commandline -opc)\n"
         "    set -l socket\n"
         "    for i in (seq (count $words))\n"
         "        if test \"$words[$i]\" = --socket\n"
         "            set socket --socket (__minimioctl_word $words[(math $i + 1)])\n"
         "        else if string match -q -- '--socket=*' $words[$i]\n"
         "            set socket $words[$i]\n"
         "        end\n"
         "    end\n"
         "    minimioctl loops --names --timeout 1s $socket 2>/dev/null </dev/null\n"
         "end\n"
         "complete -c minimioctl -f");
    for (size_t i = 0; i < count; i++)
        print_fish_option(commands, "__fish_use_subcommand", NULL, &table[i]);
    for (size_t i = 0; commands[i]; i++)
        print_fish_command(commands, commands[i]);
    printf("complete -c minimioctl -n '__fish_seen_subcommand_from help' -a '");
    print_command_names(commands);
    puts("'\ncomplete -c minimioctl -n __fish_use_subcommand -a help -d 'print the help of a command'");
}

static int run_completions(const struct command *command, struct options *options, int argc, char **argv)
{
    static void (*const prints[])(const struct command *const *commands) = {print_bash, print_zsh,
                                                                            print_fish}; /* by the index in shells */
    int shell;

    if (!options_read(command, options, argc, argv))
        return options->exit_code;
    if (optind == argc)
        return wrong_usage(command, "missing shell; use bash, zsh, fish");
    if (optind + 1 < argc)
        return unexpected_argument(command, argv[optind + 1]);
    shell = option_choice(command, "shell", argv[optind], strlen(argv[optind]), shells, NULL);
    if (shell < 0)
        return EXIT_WRONG_USAGE;
    prints[shell](options->commands);
    return output_flush();
}

const struct command command_completions = {
    .name = "completions",
    .arguments = "bash|zsh|fish",
    .summary = "print the completion script for a shell",
    .help =
        "\nInstallation puts the script where the shell looks for it. To try it: . <(minimioctl completions bash)\n",
    .method = METHOD_COUNT,
    .run = run_completions,
};
