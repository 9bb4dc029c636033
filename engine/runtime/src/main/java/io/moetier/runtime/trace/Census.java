package io.moetier.runtime.trace;

import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.ExpertId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntToDoubleFunction;

/// How often each expert was chosen, in runs that count the less the longer ago they are. Immutable.
///
/// Its JSON form is `moe-census/1`: `format`, `tokens`, and for each MoE layer of `layers`, by its number in the model,
/// the `counts` of its experts.
public final class Census {
    private static final String FORMAT = "moe-census/1";
    /// After as many tokens what was counted before weighs half as much as what comes.
    ///
    /// Of the choices in a request's first 32 tokens, the quarter of the experts that earlier requests chose
    /// most holds 67.3 % with this half-life, 66.5 % with one of 512 tokens and no more with longer ones
    /// (gpt-oss-20b, 73 requests; on DeepSeek-V2-Lite all are within a tenth of a point). So it is the
    /// shortest that forgets nothing of use.
    static final int HALF_LIFE_TOKENS = 1 << 13;

    private static final double PRIOR_CHOICES = 0.5;

    private final double tokens;
    private final SortedMap<Integer, double[]> counts;

    private Census(double tokens, SortedMap<Integer, double[]> counts) {
        this.tokens = tokens;
        this.counts = counts;
    }

    /// Returns the census of `tokens` tokens of one run.
    ///
    /// @param counts how often each expert was chosen, by the layer's number in the model; they are copied
    public static Census of(long tokens, SortedMap<Integer, long[]> counts) {
        SortedMap<Integer, double[]> copy = new TreeMap<>();
        counts.forEach((layer, of) ->
                copy.put(layer, Arrays.stream(of).asDoubleStream().toArray()));
        return new Census(tokens, copy);
    }

    /// Reads what [#toMap()] wrote.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if it is something else
    public static Census parse(JsonObject json) {
        if (!json.requireString("format").equals(FORMAT)) {
            throw json.unexpected("format", FORMAT, json.requireString("format"));
        }
        double tokens = json.requireDouble("tokens");
        if (!(tokens > 0) || tokens > 1e15) {
            throw json.unexpected("tokens", "a number above 0", tokens);
        }
        SortedMap<Integer, double[]> counts = new TreeMap<>();
        for (JsonObject layer : json.requireObjects("layers")) {
            int number = layer.requireInt("layer");
            if (number < 0 || number >= TraceHeader.MAX_INDEX / 2 || counts.containsKey(number)) {
                throw layer.unexpected("layer", "another layer's number", number);
            }
            counts.put(number, counts(layer, tokens));
        }
        return new Census(tokens, counts);
    }

    /// Returns the fields of the file.
    public Map<String, Object> toMap() {
        List<Map<String, Object>> layers = new ArrayList<>();
        counts.forEach((layer, of) -> {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("layer", layer);
            fields.put("counts", Arrays.stream(of).map(Census::rounded).toArray());
            layers.add(fields);
        });
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("format", FORMAT);
        fields.put("tokens", rounded(tokens));
        fields.put("layers", layers);
        return fields;
    }

    /// Returns how many tokens this counts, those of former runs in part.
    public double tokens() {
        return tokens;
    }

    /// Says whether the other one counts the same experts.
    public boolean isOfTheModelOf(Census other) {
        return counts.keySet().equals(other.counts.keySet())
                && counts.keySet().stream().allMatch(layer -> numExperts(layer) == other.numExperts(layer));
    }

    /// Returns this, less what was forgotten meanwhile, and `next` together.
    ///
    /// @throws IllegalArgumentException if that one counts other experts
    public Census merge(Census next) {
        return plus(Math.pow(2, -next.tokens / HALF_LIFE_TOKENS), next);
    }

    private void requireSameModel(Census other) {
        if (!isOfTheModelOf(other)) {
            throw new IllegalArgumentException("censuses of different models");
        }
    }

    /// Returns `kept` times this and `next` together.
    private Census plus(double kept, Census next) {
        requireSameModel(next);
        SortedMap<Integer, double[]> sums = new TreeMap<>();
        next.counts.forEach((layer, of) -> {
            double[] before = counts.getOrDefault(layer, of);
            double[] sum = new double[of.length];
            for (int i = 0; i < sum.length; i++) {
                sum[i] = kept * before[i] + of[i];
            }
            sums.put(layer, sum);
        });
        return new Census(kept * tokens + next.tokens, sums);
    }

    /// Returns all of them together, as if they were one run. All count the experts of one model.
    ///
    /// @throws IllegalArgumentException if there is none, or they are of different models
    public static Census sum(List<Census> all) {
        if (all.isEmpty()) {
            throw new IllegalArgumentException("no census");
        }
        return all.stream().skip(1).reduce(all.getFirst(), (sum, next) -> sum.plus(1, next));
    }

    /// Returns how far what `run` chose is from what this counts, in bits for each choice: the Kullback-Leibler
    /// divergence of a layer's choices, in the mean of all choices. Half a choice is added to each expert's
    /// count, so that none is impossible.
    ///
    /// @throws IllegalArgumentException if that one counts other experts
    public double divergenceOf(Census run) {
        requireSameModel(run);
        double bits = 0;
        double choices = 0;
        for (Map.Entry<Integer, double[]> layer : run.counts.entrySet()) {
            double[] its = layer.getValue();
            double[] mine = counts.getOrDefault(layer.getKey(), its);
            double all = Arrays.stream(mine).sum() + PRIOR_CHOICES * mine.length;
            double allOfRun = Arrays.stream(its).sum();
            choices += allOfRun;
            for (int i = 0; i < its.length; i++) {
                if (its[i] > 0) {
                    bits += its[i] * Math.log(its[i] / allOfRun * all / (mine[i] + PRIOR_CHOICES)) / Math.log(2);
                }
            }
        }
        return choices == 0 ? 0 : bits / choices;
    }

    /// Returns the share of tokens that chose each expert, by layer of the model; the arrays are the caller's.
    public SortedMap<Integer, double[]> shares() {
        SortedMap<Integer, double[]> shares = new TreeMap<>();
        counts.forEach((layer, of) ->
                shares.put(layer, Arrays.stream(of).map(count -> count / tokens).toArray()));
        return shares;
    }

    /// Returns the share of tokens that chose an expert, by packed id; 0 for one that this does not know.
    public IntToDoubleFunction shareById() {
        return id -> {
            double[] of = counts.getOrDefault(ExpertId.layerOf(id), new double[0]);
            int expert = ExpertId.expertOf(id);
            return expert < of.length ? of[expert] / tokens : 0;
        };
    }

    private int numExperts(int layer) {
        return counts.getOrDefault(layer, new double[0]).length;
    }

    private static double[] counts(JsonObject layer, double tokens) {
        if (!(layer.asMap().get("counts") instanceof List<?> list)) {
            throw layer.unexpected("counts", "a list of numbers", layer.asMap().get("counts"));
        }
        double[] counts = new double[list.size()];
        for (int i = 0; i < counts.length; i++) {
            counts[i] = list.get(i) instanceof Number number ? number.doubleValue() : -1;
            if (!(counts[i] >= 0)) {
                throw layer.unexpected("counts[" + i + "]", "a number from 0", list.get(i));
            }
            if (counts[i] > tokens + 0.002) { // both are rounded
                throw layer.unexpected("counts[" + i + "]", "no more than there are tokens", list.get(i));
            }
        }
        return counts;
    }

    /// A thousandth of a choice is enough, and keeps the file short.
    private static double rounded(double count) {
        return Math.rint(1000 * count) / 1000;
    }
}
