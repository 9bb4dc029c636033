package io.moetier.cli.trace;

import io.moetier.cli.terminal.CleanStop;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.OutputFile;
import io.moetier.cli.terminal.Plural;
import io.moetier.cli.terminal.Streams;
import io.moetier.lab.foreign.ForeignFormat;
import io.moetier.lab.foreign.TraceConversion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Converts a routing trace of another program.
@Command(
        name = "convert",
        description = {
            "Convert a routing trace of another program to format moe-trace/1: a route_trace of BigMoeOnEdge, the CSV of"
                    + " llama-moe-trace, or the routed_experts of vLLM, as .npy, .npz or responses in JSON."
        })
public final class TraceConvertCommand implements Callable<Integer> {
    private final Streams streams;

    @Parameters(index = "0", paramLabel = "IN", description = "The file to convert.")
    Path in = Path.of("");

    @Parameters(index = "1", paramLabel = "OUT", description = "The trace to write, for example t.jsonl.gz.")
    Path out = Path.of("");

    @Option(
            names = "--from",
            paramLabel = "route_trace|llama-moe-trace|vllm",
            description = "The format of IN; default: what it begins like.")
    @Nullable
    String from;

    @Option(
            names = "--model",
            paramLabel = "NAME",
            description = "The model's name; default: what IN says, or the name of the file.")
    @Nullable
    String model;

    @Option(
            names = "--experts",
            paramLabel = "N",
            description = "Experts of a layer; default: what IN says, or as many as the highest that was chosen needs.")
    @Nullable
    Integer experts;

    @Option(
            names = "--prompt-tokens",
            paramLabel = "N",
            defaultValue = "0",
            description = "How many tokens of each request are of its prompt, if vLLM does not say; default: none.")
    int promptTokens;

    public TraceConvertCommand(Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        OptionalInt numExperts = experts == null ? OptionalInt.empty() : OptionalInt.of(experts);
        if (Files.exists(in) && !Files.isRegularFile(in)) {
            throw new IllegalArgumentException("IN: expected a file, which is read twice, found " + in);
        }
        ForeignFormat format = from == null ? ForeignFormat.of(in) : format(from);
        TraceConversion conversion = new TraceConversion(format, Optional.ofNullable(model), numExperts, promptTokens);
        if (promptTokens > 0 && format != ForeignFormat.VLLM) {
            throw new IllegalArgumentException(
                    "--prompt-tokens is for vllm: " + format.label() + " says which tokens are of a prompt");
        }
        OutputFile.check(out, "OUT");
        if (Files.exists(out) && Files.exists(in) && Files.isSameFile(in, out)) {
            throw new IllegalArgumentException("OUT: expected another file than IN, found " + out);
        }
        try (CleanStop _ = CleanStop.open()) {
            long tokens = conversion.convert(in, out);
            streams.note(out + ": " + Plural.of(tokens, "token") + ", from " + format.label());
        }
        return Failure.OK;
    }

    private static ForeignFormat format(String label) {
        return Arrays.stream(ForeignFormat.values())
                .filter(format -> format.label().equals(label))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "--from must be one of " + ForeignFormat.labels() + ", not " + label));
    }
}
