package io.moetier.cli.bench;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Another engine, in a process that computes only when told to, so that runs of the two can take turns.
///
/// The process is the program `peer` in a folder, started with the model, the number of threads and the length of the
/// context, and in a race with how it shall load the model and what it shall leave out. It answers on standard output,
/// in lines: `ready NAME` when the model is loaded, and for each request `done SECONDS`; instead of either, `failed
/// REASON`. Requests are `prompt IDS`, to compute these tokens at once, `append IDS`, to compute more of them behind
/// those, one after another, and `generate IDS : IDS`, which is both, of which only the latter is timed.
final class Peer implements AutoCloseable {
    private static final String PROGRAM = "peer";
    private static final int SECONDS_TO_END = 10;

    private final String title;
    private final Process process;
    private final BufferedWriter requests;
    private final BufferedReader answers;
    private final String name;

    private Peer(String title, Process process) {
        this.title = title;
        this.process = process;
        this.requests = process.outputWriter(StandardCharsets.UTF_8);
        this.answers = process.inputReader(StandardCharsets.UTF_8);
        this.name = answer("ready");
    }

    /// Starts the engine in `folder` and waits until it has loaded `model`, of a split one the first part.
    ///
    /// @throws UncheckedIOException if it cannot be started or loads no model; the message names
    ///     the folder and, once it is started, the model
    static Peer start(Path folder, Path model, int threads, int contextLength) {
        Process process = process(List.of(), folder, model, List.of("" + threads, "" + contextLength));
        try {
            return of(process, folder, model);
        } catch (RuntimeException e) {
            process.destroy();
            throw e;
        }
    }

    /// Returns the program of the engine in `folder`.
    ///
    /// @throws UncheckedIOException if there is none
    static Path program(Path folder) {
        Path program = folder.resolve(PROGRAM).toAbsolutePath();
        if (!Files.isExecutable(program)) {
            throw failure(
                    folder.toString(),
                    "expected a program called " + PROGRAM + ", as tools/bench/compare makes it",
                    null);
        }
        return program;
    }

    /// Starts the engine in `folder`.
    ///
    /// @param launcher what starts it, the beginning of a command line
    /// @param arguments what it is told behind the model
    /// @throws UncheckedIOException if it cannot be started
    static Process process(List<String> launcher, Path folder, Path model, List<String> arguments) {
        List<String> command = new ArrayList<>(launcher);
        command.add(program(folder).toString());
        command.add(model.toAbsolutePath().toString());
        command.addAll(arguments);
        try {
            return new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
        } catch (IOException e) {
            throw failure(folder.toString(), String.valueOf(e.getMessage()), e);
        }
    }

    /// Waits until the process of the engine in `folder` has loaded the model.
    ///
    /// @throws UncheckedIOException if it loads none
    static Peer of(Process process, Path folder, Path model) {
        return new Peer(folder + " with " + model, process);
    }

    /// Returns what the engine calls itself.
    String name() {
        return name;
    }

    /// Returns the seconds that a prompt took.
    double prompt(int[] tokens) {
        return request("prompt " + ids(tokens));
    }

    /// Returns the seconds that one more token took.
    double append(int token) {
        return request("append " + token);
    }

    /// Returns the seconds that `following` took, one token after another, after `opening`.
    double generate(int[] opening, int[] following) {
        return request("generate " + ids(opening) + " : " + ids(following));
    }

    /// Ends the process.
    @Override
    public void close() {
        try {
            requests.close(); // the end of its input ends it
            if (!process.waitFor(SECONDS_TO_END, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (IOException e) {
            process.destroyForcibly(); // it has ended already
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    private double request(String line) {
        try {
            requests.write(line + "\n");
            requests.flush();
        } catch (IOException e) {
            throw failure(title, "the peer has ended", e);
        }
        String seconds = answer("done");
        try {
            return Double.parseDouble(seconds);
        } catch (NumberFormatException e) {
            throw failure(title, "expected seconds, found '" + seconds + "'", e);
        }
    }

    /// Returns what follows `word` in the next line.
    private String answer(String word) {
        String line;
        try {
            line = answers.readLine();
        } catch (IOException e) {
            throw failure(title, String.valueOf(e.getMessage()), e);
        }
        if (line == null) {
            throw failure(title, "the peer ended without an answer", null);
        }
        if (line.startsWith("failed ")) {
            throw failure(title, line.substring("failed ".length()), null);
        }
        if (!line.startsWith(word + " ")) {
            throw failure(title, "expected '" + word + " ...', found '" + line + "'", null);
        }
        return line.substring(word.length() + 1);
    }

    private static String ids(int[] tokens) {
        return IntStream.of(tokens).mapToObj(Integer::toString).collect(Collectors.joining(" "));
    }

    private static UncheckedIOException failure(String title, String reason, @Nullable Exception cause) {
        return new UncheckedIOException(title + ": " + reason, new IOException(reason, cause));
    }
}
