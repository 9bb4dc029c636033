package io.moetier.lab.plan;

import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/// How often experts are found in memory by models of which no trace is known: what the default policy finds in public
/// traces of other models, by how many experts there are, how many a token takes, and what share has room.
///
/// The curves are in `priors.json`, which [PriorCurves] makes.
public final class HitPriors {
    private static final String RESOURCE = "priors.json";

    /// Models differ at least as much as this, whatever the traces say: there are few.
    private static final double LEAST_DEVIATION = 0.04;

    /// What a factor of two in the number of experts or in the share that is chosen adds to the doubt.
    private static final double DEVIATION_PER_DOUBLING = 0.02;

    private final List<Curve> curves;

    /// What was found in one trace.
    ///
    /// @param shares of all experts that have a slot, ascending
    /// @param hits the share of choices that was found, for each
    record Curve(String trace, int layers, int experts, int topK, List<Double> shares, List<Double> hits) {
        Curve {
            shares = List.copyOf(shares);
            hits = List.copyOf(hits);
        }

        /// Returns what is found with a share, between those that were tried by a line; all room finds all.
        double at(double share) {
            double belowShare = 0;
            double belowHits = 0;
            for (int i = 0; i < shares.size(); i++) {
                if (share <= shares.get(i)) {
                    double part = (share - belowShare) / (shares.get(i) - belowShare);
                    return belowHits + part * (hits.get(i) - belowHits);
                }
                belowShare = shares.get(i);
                belowHits = hits.get(i);
            }
            return belowHits + (share - belowShare) / (1 - belowShare) * (1 - belowHits);
        }

        /// Returns how far a model is from that of the trace, in doublings.
        double distance(int ofExperts, int ofTopK) {
            double byExperts = Math.log((double) ofExperts / experts);
            double byShare = Math.log((double) ofTopK / ofExperts * experts / topK);
            return Math.sqrt(byExperts * byExperts + byShare * byShare) / Math.log(2);
        }
    }

    /// A share of choices that is found.
    ///
    /// @param rate as likely as not
    /// @param deviation by how much it may be another, as one standard deviation
    public record Hits(double rate, double deviation) {}

    HitPriors(List<Curve> curves) {
        this.curves = List.copyOf(curves);
    }

    /// Returns those that this program came with.
    public static HitPriors shipped() {
        try (InputStream in = Objects.requireNonNull(HitPriors.class.getResourceAsStream(RESOURCE))) {
            return new HitPriors(
                    Json.parseObject(in.readAllBytes(), Path.of(RESOURCE)).requireObjects("curves").stream()
                            .map(HitPriors::curve)
                            .toList());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Returns what is found by a model if a share of its experts has a slot.
    public Hits at(int experts, int topK, double share) {
        if (share >= 1) {
            return new Hits(1, 0);
        }
        double sum = 0;
        double squares = 0;
        double weights = 0;
        double nearest = Double.MAX_VALUE;
        for (Curve curve : curves) {
            double distance = curve.distance(experts, topK);
            double weight = 1 / (1 + distance * distance);
            double hits = curve.at(share);
            sum += weight * hits;
            squares += weight * hits * hits;
            weights += weight;
            nearest = Math.min(nearest, distance);
        }
        double mean = sum / weights;
        double between = Math.sqrt(Math.max(0, squares / weights - mean * mean));
        double far = DEVIATION_PER_DOUBLING * nearest;
        double all = Math.sqrt(between * between + LEAST_DEVIATION * LEAST_DEVIATION + far * far);
        double rate = Math.max(share, mean);
        return new Hits(rate, Math.min(all, 1 - rate)); // as much doubt as there is room for
    }

    private static Curve curve(JsonObject json) {
        return new Curve(
                json.requireString("trace"),
                json.requireInt("layers"),
                json.requireInt("experts"),
                json.requireInt("top_k"),
                numbers(json, "shares"),
                numbers(json, "hits"));
    }

    private static List<Double> numbers(JsonObject json, String key) {
        return ((List<?>) Objects.requireNonNull(json.asMap().get(key)))
                .stream().map(number -> ((Number) number).doubleValue()).toList();
    }
}
