package io.moetier.cli.option;

import static java.util.Map.entry;

import io.moetier.runtime.model.mixture.ExpertSelection;
import io.moetier.runtime.option.InvalidOptionException;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Which flags set the fields of the library, whose messages name fields and know of no command line.
public final class OptionFlags {
    static final Map<String, String> FLAGS = Map.ofEntries(
            entry("devices", "--device"),
            entry("vramBytes", "--vram"),
            entry("misses", "--misses"),
            entry("threads", "--threads"),
            entry("kernels", "--kernels"),
            entry("ramBytes", "--ram"),
            entry("contextLength", "--ctx"),
            entry("policy", "--policy"),
            entry("census", "--census"),
            entry("io", "--io"),
            entry("prefetch", "--prefetch"),
            entry("kv", "--kv"),
            entry("experts", "--experts"),
            entry("topPExperts", "--top-p-experts"),
            entry("maxKld", "--max-kld"),
            entry("copies", "--copies"),
            entry("temperature", "--temp"),
            entry("topK", "--top-k"),
            entry("topP", "--top-p"),
            entry("minP", "--min-p"),
            entry("repeatPenalty", "--repeat-penalty"),
            entry("repeatLastN", "--repeat-last-n"),
            entry("seed", "--seed"),
            entry("maxTokens", "-n"),
            entry("stops", "--stop"),
            entry("numExperts", "--experts"),
            entry("promptTokens", "--prompt-tokens"));

    private OptionFlags() {}

    /// Returns the message with flags in the place of fields.
    public static String sentence(InvalidOptionException cause) {
        return cause.sentence(OptionFlags::flag);
    }

    /// Returns the options that make a model compute something else than it was trained for, if there are any.
    public static Optional<String> lossy(ExpertSelection selection) {
        Stream<String> experts = selection.experts().stream().mapToObj(number -> flag("experts") + " " + number);
        Stream<String> share = selection.topPExperts().stream().mapToObj(part -> flag("topPExperts") + " " + part);
        Stream<String> limit = selection.maxKld().stream().mapToObj(nats -> flag("maxKld") + " " + nats);
        Stream<String> copies = selection.maxKld().isEmpty()
                ? Stream.empty()
                : selection.copies().map(store -> flag("copies") + " " + store).stream();
        return Optional.of(Stream.of(experts, share, limit, copies)
                        .flatMap(each -> each)
                        .collect(Collectors.joining(" ")))
                .filter(options -> !options.isEmpty());
    }

    private static String flag(String field) {
        return FLAGS.getOrDefault(field, field);
    }
}
