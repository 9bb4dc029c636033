package io.moetier.lab.foreign;

import io.moetier.storage.model.Phase;
import io.moetier.storage.model.Tier;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// The `route_trace` of BigMoeOnEdge, version 1: a preamble of `#` lines, a line of column names, and a row for each
/// expert that a token chose in a layer.
///
/// Columns may be added at the end, so they are found by name. A turn becomes a request. The last layer of a prompt has
/// only the tokens whose logits are wanted.
final class RouteTrace implements ForeignTrace {
    private static final int MOST_LINE_BYTES = 1 << 16;
    private static final String FIRST_LINE = "# route_trace v1";
    private static final List<String> COLUMNS = List.of("turn", "phase", "step", "layer", "slot", "expert");
    private static final List<String> CHOICE = List.of("turn", "phase", "step", "layer");
    private static final Pattern MODEL = Pattern.compile("# model=(.*?)( arch=.*)?");

    private final Path file;
    private final int mostExperts;
    private Optional<String> model = Optional.empty();
    private OptionalInt numExperts = OptionalInt.empty();

    RouteTrace(Path file, int mostExperts) {
        this.file = file;
        this.mostExperts = mostExperts;
    }

    @Override
    public Optional<String> model() {
        return model;
    }

    @Override
    public OptionalInt numExperts() {
        return numExperts;
    }

    @Override
    public void read(Consumer<ForeignToken> tokens) {
        try (TextLines lines = new TextLines(file, MOST_LINE_BYTES)) {
            String first = lines.next();
            if (!FIRST_LINE.equals(first)) {
                throw lines.unexpected(
                        "version", "'" + FIRST_LINE + "'", first == null ? "nothing" : "'" + first + "'");
            }
            new Reading(lines, tokens).run();
        }
    }

    /// One reading of the file.
    private final class Reading {
        private final TextLines lines;
        private final Consumer<ForeignToken> tokens;
        private int topK;
        private List<String> columns = List.of();
        private String[] row = {};
        private String[] first = {}; // of the choice under way
        private final Set<Integer> turns = new HashSet<>();
        private int turn = -1;
        private Phase phase = Phase.PREFILL;
        private ForwardPass pass = new ForwardPass();
        private int[] experts = {};
        private float[] weights = {};
        private Tier[] tiers = {};

        Reading(TextLines lines, Consumer<ForeignToken> tokens) {
            this.lines = lines;
            this.tokens = tokens;
        }

        void run() {
            String line = lines.next();
            for (; line != null && line.startsWith("#"); line = lines.next()) {
                readPreamble(line);
            }
            readColumns(line);
            for (line = lines.next(); line != null; line = lines.next()) {
                row = line.split(",", -1);
                add();
            }
            requireWholeChoice();
            endPass();
        }

        private void readPreamble(String line) {
            Matcher name = MODEL.matcher(line);
            if (!name.matches()) {
                return; // sizes of a layer
            }
            String path = name.group(1);
            model = Optional.of(path.substring(path.lastIndexOf('/') + 1));
            numExperts = OptionalInt.of(preambleNumber(line, "n_expert"));
            topK = preambleNumber(line, "n_expert_used");
        }

        private int preambleNumber(String line, String key) {
            Matcher value = Pattern.compile(" " + key + "=(\\d{1,5})(?!\\S)").matcher(line);
            if (!value.find() || value.group(1).equals("0")) {
                throw lines.unexpected(key, "a number from 1", "'" + line + "'");
            }
            return Integer.parseInt(value.group(1));
        }

        private void readColumns(@Nullable String line) {
            columns = line == null ? List.of() : Arrays.asList(line.split(",", -1));
            if (!columns.containsAll(COLUMNS)) {
                throw lines.unexpected(
                        "columns", String.join(",", COLUMNS), line == null ? "nothing" : "'" + line + "'");
            }
            if (topK == 0) {
                throw lines.unexpected("preamble", "a line '# model=…'", "none");
            }
        }

        private void add() {
            if (row.length != columns.size()) {
                throw lines.unexpected("columns", columns.size(), row.length);
            }
            int slot = inRange("slot", topK);
            if (slot != experts.length % topK) {
                throw lines.unexpected("slot", experts.length % topK, slot);
            }
            if (slot == 0) {
                beginChoice();
            } else {
                requireSameChoice();
            }
            experts = append(experts, inRange("expert", Math.min(numExperts.orElse(mostExperts), mostExperts)));
            addWeightAndTier();
            if (experts.length == topK) {
                endChoice();
            }
        }

        private void requireSameChoice() {
            for (String column : CHOICE) {
                String found = row[columns.indexOf(column)];
                String before = first[columns.indexOf(column)];
                if (!found.equals(before)) {
                    throw lines.unexpected(column, before + " as in the row of slot 0", found);
                }
            }
        }

        private void beginChoice() {
            first = row;
            int nextTurn = inRange("turn", Integer.MAX_VALUE);
            Phase nextPhase = inRange("phase", 2) == 0 ? Phase.PREFILL : Phase.DECODE;
            int layer = inRange("layer", 1 << 15);
            int step = inRange("step", Integer.MAX_VALUE);
            if (nextTurn != turn || nextPhase != phase || !pass.continuesWith(layer, step)) {
                endPass();
            }
            if (nextTurn != turn && !turns.add(nextTurn)) {
                throw lines.unexpected("turn", "turns one after another", nextTurn + " again after " + turn);
            }
            turn = nextTurn;
            phase = nextPhase;
            experts = new int[0];
            weights = new float[0];
            tiers = new Tier[0];
        }

        private void addWeightAndTier() {
            int weight = columns.indexOf("weight");
            if (weight >= 0) {
                weights = Arrays.copyOf(weights, experts.length);
                weights[experts.length - 1] = weight(row[weight]);
            }
            if (columns.contains("residency")) {
                tiers = Arrays.copyOf(tiers, experts.length);
                tiers[experts.length - 1] = inRange("residency", 3) == 0 ? Tier.DISK : Tier.HOST;
            }
        }

        private void endChoice() {
            if (!Choice.areDistinct(experts, mostExperts)) {
                throw lines.unexpected("expert", "distinct experts of a layer", Arrays.toString(experts));
            }
            int layer = inRange("layer", 1 << 15);
            int step = inRange("step", Integer.MAX_VALUE);
            if (!pass.add(layer, step, new Choice(experts, weights, tiers))) {
                throw lines.unexpected("step", "another token than " + step + " in layer " + layer, "it again");
            }
        }

        private void requireWholeChoice() {
            if (experts.length % topK != 0) {
                throw lines.unexpected("slot", experts.length, "the end of its token");
            }
        }

        private void endPass() {
            pass.tokens().forEach((step, choices) -> tokens.accept(new ForeignToken(turn, step, phase, choices)));
            pass = new ForwardPass();
        }

        private float weight(String text) {
            try {
                float weight = Float.parseFloat(text.equals("nan") ? "NaN" : text);
                if (!Float.isInfinite(weight)) {
                    return weight;
                }
            } catch (NumberFormatException e) {
                // said below, as of numbers beyond all range
            }
            throw lines.unexpected("weight", "a number or nan", "'" + text + "'");
        }

        private int inRange(String column, int end) {
            int value = lines.number(column, row[columns.indexOf(column)]);
            if (value < 0 || value >= end) {
                throw lines.unexpected(column, "a number from 0 to " + (end - 1), value);
            }
            return value;
        }
    }

    private static int[] append(int[] values, int value) {
        int[] longer = Arrays.copyOf(values, values.length + 1);
        longer[values.length] = value;
        return longer;
    }
}
