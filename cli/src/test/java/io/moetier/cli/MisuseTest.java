package io.moetier.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.terminal.Failure;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Every sentence is the whole of what is said, on standard error, with the exit code of wrong usage.
class MisuseTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    run m --temperature 0.5 Once   | unknown option: '--temperature', did you mean --temp?; see moetier run --help
                    run m p --tmp 1                | unknown option: '--tmp', did you mean --temp?; see moetier run --help
                    run m p --top_k=3              | unknown option: '--top_k', did you mean --top-k?; see moetier run --help
                    run m p --Temp 3               | unknown option: '--Temp', did you mean --temp?; see moetier run --help
                    run m p --thread 3             | unknown option: '--thread', did you mean --threads?; see moetier run --help
                    run m p --predcit 3            | unknown option: '--predcit', did you mean --predict?; see moetier run --help
                    run m p --frobnicate           | unknown option: '--frobnicate'; see moetier run --help
                    run m p -x                     | unknown option: '-x'; see moetier run --help
                    run m p --tmp 1 --n_predict 4  | unknown options: '--n_predict', did you mean -n?; '--tmp', did you mean --temp?; see moetier run --help
                    run m p -ngl 99                | unknown option: '-ngl': a GPU takes what fits; --device chooses it, --vram says how much; see moetier run --help
                    run m p -fa on                 | unknown option: '-fa': attention needs no option; see moetier run --help
                    run m -p Once                  | unknown option: '-p': the prompt is the argument after MODEL, or a file with -f; see moetier run --help
                    run --model m                  | unknown option: '--model': MODEL is the first argument, without an option; see moetier run --help
                    run --mlock                    | unknown option: '--mlock': --ram says how much stays in memory, --io how experts are read; see moetier run --help
                    inspect m --ctx-size 3         | unknown option: '--ctx-size'; see moetier inspect --help
                    run m Once upon a time         | unexpected argument: 'upon'; a PROMPT of several words needs quotes around them; see moetier run --help
                    verify m m                     | unexpected argument: 'm'; see moetier verify --help
                    rnu                            | unknown command: 'rnu', did you mean run?; see moetier --help
                    chat                           | unknown command: 'chat', did you mean run?; see moetier --help
                    insp                           | unknown command: 'insp', did you mean inspect?; see moetier --help
                    serve                          | unknown command: 'serve': there is no server; run answers in the terminal; see moetier --help
                    frobnicate                     | unknown command: 'frobnicate'; see moetier --help
                    -- run m                       | no command is looked for behind --: 'run'; see moetier --help
                    trace -- show t                | no command is looked for behind --: 'show'; see moetier trace --help
                    trace recrod                   | unknown command: 'recrod', did you mean record?; see moetier trace --help
                    help rnu                       | unknown command: 'rnu', did you mean run?; see moetier --help
                    help trace x                   | unknown command: 'x'; see moetier trace --help
                    help run x                     | unexpected argument: 'x'; see moetier run --help
                    run m --temp nan               | invalid value for option '--temp': expected a number, found 'nan'; see moetier run --help
                    run m --temp NaN               | invalid value for option '--temp': expected a number, found 'NaN'; see moetier run --help
                    run m --temp 1e999             | invalid value for option '--temp': expected a number, found '1e999'; see moetier run --help
                    run m --temp 1d                | invalid value for option '--temp': expected a number, found '1d'; see moetier run --help
                    run m --temp=                  | invalid value for option '--temp': expected a number, found ''; see moetier run --help
                    run m --experts 1.5            | invalid value for option '--experts': expected a whole number, found '1.5'; see moetier run --help
                    run m --seed x                 | invalid value for option '--seed': expected a whole number, found 'x'; see moetier run --help
                    run m --seed 9223372036854775808 | invalid value for option '--seed': expected a whole number of at most 9223372036854775807, found '9223372036854775808'; see moetier run --help
                    run m --threads 99999999999999999999 | invalid value for option '--threads': expected a whole number of at most 2147483647, found '99999999999999999999'; see moetier run --help
                    run m --threads -3000000000    | invalid value for option '--threads': expected a whole number of at least -2147483648, found '-3000000000'; see moetier run --help
                    run m --ctx 3000000000         | invalid value for option '--ctx': expected a whole number of at most 2147483647, found '3000000000'; see moetier run --help
                    """)
    void isOneSentence(String arguments, String sentence) {
        CommandLineRun run = run(arguments.split(" ", -1));
        assertEquals("moetier: " + sentence, run.err().stripTrailing());
        assertEquals("", run.out());
        assertEquals(Failure.USAGE, run.exitCode());
    }

    @Test
    void aTextThatBeginsWithADashGoesAfterTwo() {
        assertEquals(
                "moetier: unknown option: '- a list'; a text that begins with a dash goes after --; see moetier run --help",
                run("run", "m", "- a list").err().stripTrailing());
        assertEquals(
                "moetier: m: no such file or directory",
                run("run", "m", "--", "- a list").err().stripTrailing());
    }

    /// What is not answered in words must be an option of ours, else nobody would ever see the answer.
    @Test
    void otherSpellingsLeadToOptionsThatRunHas() {
        String help = run("run", "--help").out();
        OtherSpellings.options().stream()
                .filter(answer -> !answer.contains(" "))
                .map(answer -> answer.replaceFirst("--(no-)?chat", "--[no-]chat"))
                .forEach(answer -> assertTrue(help.contains(answer), answer));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "help", "--help", "trace", "help trace", "help run", "run --help", "help trace record"})
    void helpIsAnAnswer(String arguments) {
        CommandLineRun run = run(arguments.isEmpty() ? new String[0] : arguments.split(" ", -1));
        String command = arguments.replaceAll("(help|--help)", "").strip();
        assertTrue(run.out().startsWith(("Usage: moetier " + command).strip() + " "), run.out());
        assertEquals("", run.err());
        assertEquals(Failure.OK, run.exitCode());
    }

    private static CommandLineRun run(String... arguments) {
        return CommandLineRun.inProcess(Map.of(), Path.of("/nonexistent"), arguments);
    }
}
