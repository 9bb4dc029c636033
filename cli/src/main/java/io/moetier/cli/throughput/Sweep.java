package io.moetier.cli.throughput;

import io.moetier.cli.option.About;
import io.moetier.cli.option.ExpertShare;
import io.moetier.cli.option.ModelOptions;
import io.moetier.cli.option.Topic;
import io.moetier.lab.throughput.Case;
import io.moetier.runtime.model.mixture.ExpertSelection;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.MemoryPlan;
import io.moetier.runtime.session.PhysicalCores;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.model.Phase;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Which points are measured, and for how long.
@About(Topic.MEASUREMENT)
final class Sweep {
    private static final List<Integer> PROMPTS = List.of(32, 128, 512);
    private static final List<Integer> QUICK_PROMPTS = List.of(64);
    private static final List<String> BUDGETS = List.of("100%", "50%", "25%");
    private static final List<String> QUICK_BUDGETS = List.of("100%", "25%");
    private static final int GENERATED = 32;
    private static final int QUICK_GENERATED = 16;
    private static final double SECONDS = 110;
    private static final double QUICK_SECONDS = 18;

    @Option(
            names = {"-p", "--n-prompt"},
            paramLabel = "N,…",
            split = ",",
            hideParamSyntax = true,
            description = "Tokens of prompts; default: 32,128,512, as far as there is time for them.")
    @Nullable
    List<Integer> prompts;

    @Option(
            names = {"-n", "--n-gen"},
            paramLabel = "N,…",
            split = ",",
            hideParamSyntax = true,
            description = "Tokens to generate in a round; default: 32.")
    @Nullable
    List<Integer> generated;

    @Option(
            names = "--depths",
            paramLabel = "N,…",
            split = ",",
            hideParamSyntax = true,
            description = "Tokens in front of what is generated; default: 0 and the longest prompt.")
    @Nullable
    List<Integer> depths;

    @Option(
            names = "--budgets",
            paramLabel = "25%,4G,…",
            split = ",",
            hideParamSyntax = true,
            description = "Memory for experts, as shares of all or sizes, each with all threads; default:"
                    + " 100%%,50%%,25%%, or that of --ram.")
    @Nullable
    List<String> budgets;

    @Option(
            names = "--thread-counts",
            paramLabel = "N,…",
            split = ",",
            hideParamSyntax = true,
            description = "Numbers of threads, each with the first budget; default: 1, 2, 4 and so on to one per"
                    + " physical core, or that of --threads.")
    @Nullable
    List<Integer> threadCounts;

    @Option(
            names = "--max-klds",
            paramLabel = "X,…",
            split = ",",
            hideParamSyntax = true,
            description = "Limits of loss (see --max-kld), each with the last budget and all threads: how much faster"
                    + " each is; default: none.")
    @Nullable
    List<Double> maxKlds;

    @Option(
            names = "--seconds",
            paramLabel = "SECONDS",
            description = "How long all of it is measured; default: 110, with --quick 18. Each point is measured five"
                    + " times at least where that is no more than twice as long.")
    @Nullable
    Double seconds;

    @Option(names = "--quick", description = "A prompt of 64, 16 tokens, two budgets, all threads: twenty seconds.")
    boolean quick;

    /// Says whether settings with some loss are measured.
    boolean limitsLoss() {
        return maxKlds != null;
    }

    /// Checks what does not depend on a model.
    ///
    /// @param config what else was asked for
    /// @throws IllegalArgumentException if a value cannot be, or two contradict each other
    void check(EngineConfig config) {
        require("-p", prompts == null ? List.of() : prompts, 1);
        require("-n", generated == null ? List.of() : generated, 1);
        require("--depths", depths == null ? List.of() : depths, 0);
        require("--thread-counts", threadCounts == null ? List.of() : threadCounts, 1);
        threadCounts().forEach(ModelOptions::requireThreads);
        if (seconds != null && !(seconds > 0 && seconds < 1e6)) {
            throw new IllegalArgumentException("--seconds must be above 0, not " + seconds);
        }
        if (config.compute().nodes().isPresent()) {
            throw new IllegalArgumentException(
                    "--cluster: bounds are those of this machine alone; bench measures what nodes bring");
        }
        if (!config.compute().devices().isEmpty() && threadCounts != null) {
            throw new IllegalArgumentException("--thread-counts is for the processor, and a GPU computes");
        }
        if (config.compute().threads() != 0 && threadCounts != null) {
            throw new IllegalArgumentException("--threads and --thread-counts: expected one of them");
        }
        maxKlds().forEach(Sweep::requireLimit);
        if (config.numerics().selection().maxKld().isPresent() && maxKlds != null) {
            throw new IllegalArgumentException("--max-kld and --max-klds: expected one of them");
        }
        if (config.memory().ramBytes().isPresent() && budgets != null) {
            throw new IllegalArgumentException("--ram and --budgets: expected one of them");
        }
        for (String budget : budgets == null ? List.<String>of() : budgets) {
            long _ = bytes(budget.strip(), Long.MAX_VALUE);
        }
    }

    private static void requireLimit(double nats) {
        try {
            var _ = ExpertSelection.TRAINED.withMaxKld(nats);
        } catch (InvalidOptionException e) {
            throw ofLimit(e);
        }
    }

    /// Returns what is wrong with a limit of loss under the name of the option that set it.
    static IllegalArgumentException ofLimit(InvalidOptionException cause) {
        return new IllegalArgumentException(cause.sentence(_ -> "--max-klds"), cause);
    }

    /// Returns the bytes of a share of all, or of a size.
    private static long bytes(String budget, long allBytes) {
        if (ExpertShare.isOne(budget)) {
            return Math.round(ExpertShare.parse("--budgets", budget) * allBytes);
        }
        try {
            return ByteSize.parse(budget).bytes();
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "--budgets: expected a share such as 25%, or a size such as 4G, found '" + budget + "'", e);
        }
    }

    private static void require(String option, List<Integer> values, int least) {
        for (int value : values) {
            if (value < least) {
                throw new IllegalArgumentException(option + " must be " + least + " or more, not " + value);
            }
        }
    }

    /// Returns how long all settings together are measured.
    double seconds() {
        return seconds == null ? (quick ? QUICK_SECONDS : SECONDS) : seconds;
    }

    /// Says whether points may be left out for want of time: nobody asked for them by name.
    boolean mayLeaveOut() {
        return prompts == null && depths == null;
    }

    /// Returns the lengths of prompts that fit, by default those alone that are shorter than `limit`.
    List<Integer> prompts(int context, int limit) {
        return prompts == null
                ? (quick ? QUICK_PROMPTS : PROMPTS)
                        .stream()
                                .filter(length -> length < limit && length + Collections.max(generated()) < context)
                                .toList()
                : sorted(prompts);
    }

    private List<Integer> generated() {
        return generated == null ? List.of(quick ? QUICK_GENERATED : GENERATED) : sorted(generated);
    }

    private static List<Integer> sorted(List<Integer> values) {
        return List.copyOf(new TreeSet<>(values));
    }

    /// Returns the points that are measured with one setting: prompts, and what is generated behind them.
    ///
    /// @param limit as of [#prompts]
    /// @throws IllegalArgumentException if one does not fit the context
    List<Case> cases(Setting setting, int context, int limit) {
        List<Integer> lengths = prompts(context, limit);
        SortedSet<Integer> behind = new TreeSet<>(depths == null ? List.of(0) : depths);
        if (depths == null && !lengths.isEmpty()) {
            behind.add(lengths.getLast());
        }
        List<Case> cases = new ArrayList<>();
        if (setting.maxKld() == 0) { // prompts are computed exactly
            lengths.forEach(length -> cases.add(of(Phase.PREFILL, length, 0, setting)));
        }
        for (int depth : behind.reversed()) { // the deepest is there once the longest prompt is
            generated().forEach(count -> cases.add(of(Phase.DECODE, count, depth, setting)));
        }
        for (Case each : cases) {
            if (length(each) > context) {
                throw new IllegalArgumentException("-p, -n and --depths need a context of " + length(each)
                        + " tokens, but it holds " + context + " (--ctx sets it)");
            }
        }
        return cases;
    }

    /// Returns how many tokens a point takes.
    static int length(Case of) {
        return of.depth() + of.tokens() + 1;
    }

    private static Case of(Phase phase, int tokens, int depth, Setting setting) {
        return new Case(phase, tokens, depth, setting.budget(), setting.threads(), setting.maxKld());
    }

    private List<Integer> threadCounts() {
        return threadCounts == null ? List.of() : sorted(threadCounts);
    }

    private List<Double> maxKlds() {
        return maxKlds == null ? List.of() : List.copyOf(new TreeSet<>(maxKlds));
    }

    /// Returns the settings: each budget with all threads, the first budget with fewer, and the last one with losses.
    ///
    /// @param config what else was asked for
    /// @param allBytes of all experts
    /// @param leastBytes the smallest budget
    List<Setting> settings(EngineConfig config, long allBytes, long leastBytes) {
        boolean ofCpu = config.compute().devices().isEmpty();
        int asked = config.compute().threads();
        OptionalLong ram = config.memory().ramBytes();
        int all = ofCpu ? PhysicalCores.threads(asked) : 0;
        int most = threadCounts().stream().mapToInt(count -> count).max().orElse(all);
        List<Setting> settings = new ArrayList<>();
        if (ram.isPresent()) {
            settings.add(new Setting(ByteSize.format(ram.getAsLong()), ram, most, 0));
        } else {
            for (String budget : budgets == null ? (quick ? QUICK_BUDGETS : BUDGETS) : budgets) {
                OptionalLong bytes = bytes(budget, allBytes, leastBytes);
                if (settings.stream().noneMatch(other -> other.ramBytes().equals(bytes))) {
                    settings.add(new Setting(budget.strip(), bytes, most, 0)); // not the same by another name
                }
            }
        }
        Setting first = settings.getFirst();
        Setting last = settings.getLast();
        for (int count : ofCpu && asked == 0 ? counts(most) : List.<Integer>of()) {
            if (count != most) {
                settings.add(new Setting(first.budget(), first.ramBytes(), count, 0));
            }
        }
        for (double maxKld : maxKlds()) {
            settings.add(new Setting(last.budget(), last.ramBytes(), most, maxKld));
        }
        return List.copyOf(settings);
    }

    private List<Integer> counts(int most) {
        if (threadCounts != null) {
            return threadCounts();
        }
        List<Integer> counts = new ArrayList<>();
        for (int count = 1; !quick && count < most; count *= 2) {
            counts.add(count);
        }
        return counts;
    }

    /// Returns what is measured of a setting: nothing if nobody asked for its budget, of which not all fits; what
    /// may be lost is measured with what does fit then.
    ///
    /// @param first of all settings, whose budget is what fits if nobody asked for one
    /// @param plan of that one
    Optional<Setting> fitting(Setting setting, Setting first, MemoryPlan plan) {
        if (budgets != null
                || setting.ramBytes().equals(first.ramBytes())
                || setting.ramBytes().orElseThrow() <= plan.expertBytes()) {
            return Optional.of(setting);
        }
        return setting.maxKld() == 0
                ? Optional.empty()
                : Optional.of(new Setting(first.budget(), first.ramBytes(), setting.threads(), setting.maxKld()));
    }

    /// A default is made large enough; what was asked for is not changed.
    private OptionalLong bytes(String budget, long allBytes, long leastBytes) {
        String text = budget.strip();
        if (text.equals("100%")) {
            return OptionalLong.empty(); // as far as they fit
        }
        long bytes = bytes(text, allBytes);
        if (bytes < leastBytes && budgets != null) {
            throw new IllegalArgumentException("--budgets: " + text + " is " + ByteSize.format(bytes)
                    + ", but the experts of one layer, which are needed at the same time, take "
                    + ByteSize.format(leastBytes));
        }
        return OptionalLong.of(Math.max(bytes, leastBytes));
    }
}
