package io.moetier.lab.balance;

import java.util.List;
import java.util.function.ToDoubleFunction;

/// How evenly the router of a layer chooses, and what its choices depend on; or the mean over layers.
///
/// `f(i)` is expert `i`'s share of all choices in the layer.
///
/// @param loadBalancingLoss `E · Σ f(i) · P(i)`, the auxiliary loss of Switch Transformers (Fedus, Zoph, Shazeer 2021,
///     arXiv 2101.03961, equations 4 to 6) without its factor α, for top-k routing: 1 where all experts are used alike,
///     `E` where all tokens choose one. `P(i)` should be the mean probability that the router gave expert `i`. A trace
///     knows only the weights of the chosen experts, so `P(i)` is expert `i`'s share of all weights; where a token has
///     none, it is `f(i)`
/// @param fromWeights whether `P` is of weights
/// @param entropy `-Σ f(i) log f(i) / log E`: 1 where all experts are used alike, 0 where one is
/// @param variation standard deviation of the experts' counts over their mean
/// @param hottest10 share of choices that go to the tenth of the experts chosen most often, rounded up to whole experts
/// @param hottest25 the same of a quarter
/// @param hottest50 the same of half of them
/// @param unused experts that were never chosen
/// @param overlap share of a token's experts that the token before it in the same request chose too
/// @param overlapByChance the same if tokens chose independently, each expert as often as it was: `Σ π(i)² / k`, where
///     `π(i)` is the share of tokens that chose expert `i`
/// @param requestBits Jensen–Shannon divergence of the requests' shares, each weighted by its choices, in bits: how
/// much
///     a choice tells of the request it comes from
/// @param requestBitsByChance what that comes to for so few choices if requests do not matter:
///     `(R − 1)(E − 1) / (2 N ln 2)` for `R` requests, `E` used experts and `N` choices (Miller 1955)
/// @param requestVariance share of the variance of "this token chose expert i", over all experts, that lies between
///     requests
/// @param requestVarianceByChance the same if requests do not matter, `(R − 1) / (T − 1)` for `T` tokens
public record LayerBalance(
        double loadBalancingLoss,
        boolean fromWeights,
        double entropy,
        double variation,
        double hottest10,
        double hottest25,
        double hottest50,
        double unused,
        double overlap,
        double overlapByChance,
        double requestBits,
        double requestBitsByChance,
        double requestVariance,
        double requestVarianceByChance) {

    static LayerBalance mean(List<LayerBalance> layers) {
        return new LayerBalance(
                mean(layers, LayerBalance::loadBalancingLoss),
                layers.stream().allMatch(LayerBalance::fromWeights),
                mean(layers, LayerBalance::entropy),
                mean(layers, LayerBalance::variation),
                mean(layers, LayerBalance::hottest10),
                mean(layers, LayerBalance::hottest25),
                mean(layers, LayerBalance::hottest50),
                mean(layers, LayerBalance::unused),
                mean(layers, LayerBalance::overlap),
                mean(layers, LayerBalance::overlapByChance),
                mean(layers, LayerBalance::requestBits),
                mean(layers, LayerBalance::requestBitsByChance),
                mean(layers, LayerBalance::requestVariance),
                mean(layers, LayerBalance::requestVarianceByChance));
    }

    private static double mean(List<LayerBalance> layers, ToDoubleFunction<LayerBalance> value) {
        return layers.stream().mapToDouble(value).average().orElse(0);
    }
}
