package io.moetier.lab.balance;

import java.util.Collection;
import java.util.function.Function;
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
/// @param overlap share of a token's experts that the token before it in the same request chose too; by chance, if
///     tokens chose independently, each expert as often as it was: `Σ π(i)² / k`, where `π(i)` is the share of tokens
///     that chose expert `i`
/// @param requestBits Jensen–Shannon divergence of the requests' shares, each weighted by its choices, in bits: how
///     much a choice tells of the request it comes from; by chance, for so few choices if requests do not matter:
///     `(R − 1)(E − 1) / (2 N ln 2)` for `R` requests, `E` used experts and `N` choices (Miller 1955)
/// @param requestVariance share of the variance of "this token chose expert i", over all experts, that lies between
///     requests; by chance, if requests do not matter: `(R − 1) / (T − 1)` for `T` tokens
public record LayerBalance(
        double loadBalancingLoss,
        boolean fromWeights,
        Evenness evenness,
        BesideChance overlap,
        BesideChance requestBits,
        BesideChance requestVariance) {
    static LayerBalance mean(Collection<LayerBalance> layers) {
        return new LayerBalance(
                mean(layers, LayerBalance::loadBalancingLoss),
                layers.stream().allMatch(LayerBalance::fromWeights),
                new Evenness(
                        mean(layers, layer -> layer.evenness.entropy()),
                        mean(layers, layer -> layer.evenness.variation()),
                        mean(layers, layer -> layer.evenness.hottest10()),
                        mean(layers, layer -> layer.evenness.hottest25()),
                        mean(layers, layer -> layer.evenness.hottest50()),
                        mean(layers, layer -> layer.evenness.unused())),
                meanBesideChance(layers, LayerBalance::overlap),
                meanBesideChance(layers, LayerBalance::requestBits),
                meanBesideChance(layers, LayerBalance::requestVariance));
    }

    private static BesideChance meanBesideChance(
            Collection<LayerBalance> layers, Function<LayerBalance, BesideChance> figure) {
        return new BesideChance(
                mean(layers, layer -> figure.apply(layer).value()),
                mean(layers, layer -> figure.apply(layer).byChance()));
    }

    private static double mean(Collection<LayerBalance> layers, ToDoubleFunction<LayerBalance> value) {
        return layers.stream().mapToDouble(value).average().orElse(0);
    }
}
