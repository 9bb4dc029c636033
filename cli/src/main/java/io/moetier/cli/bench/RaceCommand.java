package io.moetier.cli.bench;

import io.moetier.cli.models.LibraryTerminal;
import io.moetier.cli.option.About;
import io.moetier.cli.option.LimitedText;
import io.moetier.cli.option.ModelOptions;
import io.moetier.cli.option.Topic;
import io.moetier.cli.terminal.CleanStop;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Plural;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.library.Stores;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.session.PhysicalCores;
import io.moetier.runtime.text.Tokenizer;
import io.moetier.storage.expert.ScratchDirectory;
import io.moetier.storage.format.GgufParts;
import io.moetier.storage.format.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Races Moetier and another engine with less memory than a model takes.
@About(Topic.MEASUREMENT)
@Command(
        name = "race",
        description = "Race Moetier and another engine, each in turn alone in a control group with less memory than the"
                + " model takes and with a cold page cache; tools/bench/race does this with llama.cpp.")
public final class RaceCommand implements Callable<Integer> {
    private final Surroundings surroundings;
    private final Streams streams;

    @Parameters(index = "0", paramLabel = "MODEL", description = "A GGUF file, which both engines read.")
    Path model = Path.of("");

    @Option(
            names = "--memory",
            required = true,
            paramLabel = "SIZE|PERCENT%[,…]",
            description = "The limits of memory to race within: sizes, or shares of the model's file, as 75%%,50%%.")
    String memory = "";

    @Option(names = "--peer", required = true, paramLabel = "FOLDER", description = "Where the other engine is.")
    Path peer = Path.of("");

    @Option(
            names = "--moetier",
            required = true,
            paramLabel = "PROGRAM",
            description = "The launcher of the Moetier that races.")
    Path moetier = Path.of("");

    @Option(
            names = "--with",
            paramLabel = "OPTIONS",
            description = "Options of run to race with, in one word, as --with \"--policy lru\"; may be given several"
                    + " times; default: none.")
    List<String> settings = List.of("");

    @Option(
            names = "--text",
            paramLabel = "FILE",
            description = "Take the prompt from the beginning of a text; default: the tokens 0, 1, 2, … which a"
                    + " synthetic model that follows a text continues.")
    @Nullable
    Path text;

    @Option(
            names = {"-p", "--n-prompt"},
            paramLabel = "N",
            defaultValue = "128",
            description = "Tokens of the prompt; default: ${DEFAULT-VALUE}.")
    int promptTokens;

    @Option(
            names = {"-n", "--n-gen"},
            paramLabel = "N",
            defaultValue = "48",
            description = "Tokens to generate; default: ${DEFAULT-VALUE}.")
    int generatedTokens;

    @Option(
            names = "--seconds",
            paramLabel = "SECONDS",
            defaultValue = "30",
            description = "How long the other engine may generate; either may take four times as long for all that it"
                    + " does; default: ${DEFAULT-VALUE}.")
    double seconds;

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "0",
            description = "Threads that compute; default: one for each physical core.")
    int threads;

    @Option(
            names = "--leave-out",
            paramLabel = "NAME[,…]",
            defaultValue = "sapphirerapids",
            description = "Backends that the other engine shall not use, since they rewrite weights in memory of their"
                    + " own; default: ${DEFAULT-VALUE}.")
    String leftOut = "";

    @About(Topic.REPORTS)
    @Option(names = "--markdown", description = "Print the figures as a table in Markdown.")
    boolean markdown;

    @About(Topic.REPORTS)
    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    public RaceCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        require(promptTokens >= 1 && generatedTokens >= 1, "-p and -n must be 1 or more");
        ModelOptions.requireThreads(threads);
        require(seconds > 0, "--seconds must be more than 0");
        require(!json || !markdown, "--json does not go with --markdown");
        model = LibraryTerminal.located(model, surroundings, streams);
        require(GgufParts.isOne(model), "race needs a GGUF file, which both engines read, not " + model);
        List<MemoryShare> limits = MemoryShare.parse(memory, Files.size(model));
        Path cache = surroundings.cacheDirectory();
        Files.createDirectories(cache);
        try (CleanStop _ = CleanStop.open();
                ScratchDirectory scratch = ScratchDirectory.create(cache);
                ModelSource source = Stores.openSource(model)) {
            List<Integer> ids = ids(source, scratch.path(), cache);
            Path idsFile = Files.writeString(
                    scratch.path().resolve("ids"),
                    ids.stream().map(String::valueOf).collect(Collectors.joining(" ")));
            RacePlan plan =
                    new RacePlan(source.path(), ids, idsFile, generatedTokens, PhysicalCores.threads(threads), seconds);
            PeerRacer other = new PeerRacer(peer, plan, leftOut);
            Race race = new Race(plan, moetier.toAbsolutePath(), other, blockBytes(source), scratch.path());
            RaceReport report = new RaceReport();
            for (MemoryShare limit : limits) {
                report.add(race.run(limit, settings));
            }
            print(report, other);
        }
        return Failure.OK;
    }

    private void print(RaceReport report, PeerRacer other) {
        if (json) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("model", model.toString());
            fields.put("peer", other.description());
            fields.put("peer_left_out", leftOut);
            fields.put("limits", report.fields());
            streams.print(Json.write(fields) + "\n");
        } else {
            streams.print(
                    markdown
                            ? report.markdown()
                            : report.table(Map.of("peer", other.description() + "; left out: " + leftOut)));
        }
    }

    /// Returns the tokens of the prompt.
    private List<Integer> ids(ModelSource source, Path scratch, Path cache) throws IOException {
        if (text == null) {
            return IntStream.range(0, promptTokens).boxed().toList();
        }
        require(source.tokenizer().isPresent(), model + " has no tokenizer for --text");
        Path companions = Files.createDirectory(scratch.resolve("companions"));
        source.writeCompanions(companions);
        Optional<Path> config =
                Optional.of(companions.resolve("tokenizer_config.json")).filter(Files::exists);
        try (Tokenizer tokenizer = Tokenizer.open(companions.resolve("tokenizer.json"), config, cache)) {
            int[] ids = tokenizer.encode(LimitedText.OF_PROMPT.readUtf8(text), true);
            require(
                    ids.length >= promptTokens,
                    text + " has " + Plural.of(ids.length, "token") + ", and -p asks for " + promptTokens);
            return IntStream.of(ids).limit(promptTokens).boxed().toList();
        }
    }

    /// Returns the bytes of an expert as the file has it, of the largest.
    private static long blockBytes(ModelSource source) {
        return source.spec().moeLayers().stream()
                .mapToLong(moe -> expertBytes(source, moe))
                .max()
                .orElseThrow(() -> new IllegalArgumentException(source.path() + " has no experts to move"));
    }

    private static long expertBytes(ModelSource source, MoeSpec moe) {
        return moe.experts().stream()
                        .mapToLong(expert -> Comparison.bytes(source, expert))
                        .sum()
                / moe.numExperts();
    }

    private static void require(boolean holds, String message) {
        if (!holds) {
            throw new IllegalArgumentException(message);
        }
    }
}
