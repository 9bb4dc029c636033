package io.moetier.cli.cluster;

import io.moetier.cli.terminal.Numbers;
import io.moetier.cluster.placement.Link;
import io.moetier.lab.cluster.Machine;
import io.moetier.lab.cost.MachineProfile;
import io.moetier.storage.memory.ByteSize;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A machine as people write it: `ram=24G,memory=40G,disk=1.2G,rtt=200us,link=1G`, each part of it if it is known.
///
/// @param ramBytes that experts may take
/// @param memoryRate bytes a second
/// @param diskRate bytes a second
/// @param roundTripSeconds to the driver and back
/// @param linkRate bytes a second, of a link that is written in bits a second
record MachineKind(
        String spelling,
        OptionalLong ramBytes,
        OptionalDouble memoryRate,
        OptionalDouble diskRate,
        OptionalDouble roundTripSeconds,
        OptionalDouble linkRate) {
    /// A cabled network in an office.
    static final Link USUAL_LINK = new Link(200e-6, 1e9 / Byte.SIZE);

    private static final Pattern TIME = Pattern.compile("(\\d[\\d.]*)\\s*(us|µs|ms|s)");
    private static final Pattern BITS =
            Pattern.compile("(\\d[\\d.]*)\\s*([KMGT])(?:bit)?(?:/s)?", Pattern.CASE_INSENSITIVE);
    private static final Map<String, Double> TIMES = Map.of("us", 1e-6, "µs", 1e-6, "ms", 1e-3, "s", 1.0);
    private static final Map<String, Double> THOUSANDS = Map.of("K", 1e3, "M", 1e6, "G", 1e9, "T", 1e12);
    private static final String EXAMPLE = "ram=24G,memory=40G,disk=1.2G,rtt=200us,link=1G";

    /// What a kind may say, in the order of [#EXAMPLE].
    private enum Word {
        RAM(text -> (double) ByteSize.parse(text).bytes()),
        MEMORY(text -> positive((double) ByteSize.parse(text).bytes(), text)),
        DISK(text -> positive((double) ByteSize.parse(text).bytes(), text)),
        RTT(MachineKind::seconds),
        LINK(MachineKind::bytesPerSecond);

        @SuppressWarnings("ImmutableEnumChecker") // functions without state
        private final Function<String, Double> parser;

        Word(Function<String, Double> parser) {
            this.parser = parser;
        }

        String spelling() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// Reads a kind.
    ///
    /// @param option that names it, for whoever misspells it
    /// @throws IllegalArgumentException if it is none, in one sentence
    static MachineKind parse(String text, String option) {
        Map<Word, Double> values = new LinkedHashMap<>();
        for (String part : text.split(",", -1)) {
            int at = part.indexOf('=');
            Optional<Word> word = List.of(Word.values()).stream()
                    .filter(each -> at > 0
                            && each.spelling().equals(part.substring(0, at).strip()))
                    .findFirst();
            if (word.isEmpty() || values.containsKey(word.get())) {
                throw new IllegalArgumentException(
                        option + ": expected parts of " + EXAMPLE + ", each once, found '" + part + "'");
            }
            try {
                values.put(
                        word.get(),
                        word.get().parser.apply(part.substring(at + 1).strip()));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(option + ": " + word.get().spelling() + ": " + e.getMessage(), e);
            }
        }
        OptionalDouble ram = value(values, Word.RAM);
        return new MachineKind(
                text,
                ram.isPresent() ? OptionalLong.of((long) ram.getAsDouble()) : OptionalLong.empty(),
                value(values, Word.MEMORY),
                value(values, Word.DISK),
                value(values, Word.RTT),
                value(values, Word.LINK));
    }

    /// Returns a machine of which nothing is said.
    static MachineKind unsaid(String name) {
        return new MachineKind(
                name,
                OptionalLong.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty());
    }

    /// Says whether its speeds are those of this machine, at least in part.
    boolean isLikeHere() {
        return memoryRate.isEmpty() || diskRate.isEmpty();
    }

    Link link() {
        return new Link(
                roundTripSeconds.orElse(USUAL_LINK.roundTripSeconds()), linkRate.orElse(USUAL_LINK.bytesPerSecond()));
    }

    /// Returns the machine, which has what is not said of it from this one.
    ///
    /// @param name for people
    /// @param here this machine, if it was measured
    /// @param ramHere that experts may take here
    /// @param option that names it
    /// @throws IllegalArgumentException if nobody knows how fast it is
    Machine machine(String name, Optional<MachineProfile> here, long ramHere, String option) {
        long ram = ramBytes.orElse(ramHere);
        if (memoryRate.isEmpty() && diskRate.isEmpty() && here.isPresent()) {
            return new Machine(name, ram, here.get());
        }
        return Machine.ofSpeeds(
                name,
                ram,
                rate(memoryRate, here.map(MachineProfile::hostBytesPerSecond), option),
                rate(diskRate, here.map(MachineProfile::diskBytesPerSecond), option));
    }

    private static double rate(OptionalDouble said, Optional<OptionalDouble> here, String option) {
        OptionalDouble rate = said.isPresent() ? said : here.orElse(OptionalDouble.empty());
        return rate.orElseThrow(() -> new IllegalArgumentException(option
                + ": nobody knows how fast this machine is, which others are taken for: run moetier doctor, or give"
                + " memory and disk as in " + EXAMPLE));
    }

    private static OptionalDouble value(Map<Word, Double> values, Word word) {
        Double value = values.get(word);
        return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
    }

    private static double positive(double number, String text) {
        if (number <= 0) {
            throw new IllegalArgumentException("expected more than 0, found '" + text + "'");
        }
        return number;
    }

    private static double seconds(String text) {
        Matcher matcher = TIME.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("expected a time such as 200us or 1.5ms, found '" + text + "'");
        }
        return Numbers.decimal(matcher.group(1)) * unit(TIMES, matcher.group(2));
    }

    private static double bytesPerSecond(String text) {
        Matcher matcher = BITS.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("expected bits a second such as 100M, 1G or 2.5G, found '" + text + "'");
        }
        double unit = unit(THOUSANDS, matcher.group(2).toUpperCase(Locale.ROOT));
        return positive(Numbers.decimal(matcher.group(1)) * unit / Byte.SIZE, text);
    }

    private static double unit(Map<String, Double> units, String name) {
        return Objects.requireNonNull(units.get(name), name);
    }
}
