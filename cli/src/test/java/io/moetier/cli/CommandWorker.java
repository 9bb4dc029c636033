package io.moetier.cli;

import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// A process that runs one command line after another, so that hundreds of inputs share the start of one JVM.
///
/// A line of its standard input holds standard input and arguments of a command, each in Base64; a line of its output
/// holds the exit code, what the command printed, and its errors. A command that ends the process is known by the
/// missing line.
public final class CommandWorker {
    private CommandWorker() {}

    /// Runs commands until the input ends; the arguments are the folders of the home and of the cache.
    public static void main(String[] folders) throws IOException {
        Surroundings surroundings = new Surroundings(Map.of("MOETIER_CACHE", folders[1]), Path.of(folders[0]), "");
        PrintStream answers = System.out;
        System.setOut(System.err); // what anybody else prints is no answer
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (String request = requests.readLine(); request != null; request = requests.readLine()) {
            answers.println(run(surroundings, decode(request)));
            answers.flush();
        }
    }

    private static String run(Surroundings surroundings, String[] command) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        Streams streams = new Streams(
                new ByteArrayInputStream(command[0].getBytes(StandardCharsets.UTF_8)), out, new PrintWriter(err));
        int exitCode = Moetier.execute(surroundings, streams, Arrays.copyOfRange(command, 1, command.length));
        return encode(Integer.toString(exitCode), out.toString(), err.toString());
    }

    /// Writes texts as one line.
    public static String encode(String... texts) {
        return Stream.of(texts)
                .map(text -> Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8)))
                .collect(Collectors.joining(" "));
    }

    /// Reads what [#encode] wrote.
    public static String[] decode(String line) {
        return Stream.of(line.split(" ", -1))
                .map(text -> new String(Base64.getDecoder().decode(text), StandardCharsets.UTF_8))
                .toArray(String[]::new);
    }
}
