package io.moetier.lab.balance;

import io.moetier.storage.model.Modality;
import java.util.Arrays;
import java.util.stream.IntStream;

/// How what tokens of images choose in a layer differs from what tokens of text do.
///
/// @param text how often tokens of text chose each expert
/// @param image how often tokens of images did
@SuppressWarnings("ArrayRecordComponent") // nobody compares them
public record ModalityBalance(long[] text, long[] image) {
    /// Returns how many experts tokens of this kind chose.
    public long used(Modality modality) {
        return Arrays.stream(of(modality)).filter(count -> count > 0).count();
    }

    /// Returns an expert's share of what tokens of this kind chose.
    public double share(Modality modality, int expert) {
        return of(modality)[expert] / Shares.sum(of(modality));
    }

    /// Returns how many experts tokens of both kinds chose.
    public long usedByBoth() {
        return IntStream.range(0, text.length)
                .filter(expert -> text[expert] > 0 && image[expert] > 0)
                .count();
    }

    /// Returns the share of the experts that any token chose which tokens of both kinds did.
    public double overlap() {
        return usedByBoth() / (double) (used(Modality.TEXT) + used(Modality.IMAGE) - usedByBoth());
    }

    /// Returns the mutual information of a choice's expert and its token's kind, in bits: how much the one tells of the
    /// other. By chance, for so few choices if the kind does not matter: `(E − 1) / (2 N ln 2)` for `E` used
    /// experts and `N` choices (Miller 1955).
    public BesideChance information() {
        long[] all = IntStream.range(0, text.length)
                .mapToLong(expert -> text[expert] + image[expert])
                .toArray();
        double choices = Shares.sum(all);
        double within = (Shares.sum(text) * Shares.entropy(text) + Shares.sum(image) * Shares.entropy(image)) / choices;
        long used = Arrays.stream(all).filter(count -> count > 0).count();
        return new BesideChance(
                Math.max(0, (Shares.entropy(all) - within) / Math.log(2)), (used - 1) / (2 * choices * Math.log(2)));
    }

    long[] of(Modality modality) {
        return switch (modality) {
            case TEXT -> text;
            case IMAGE -> image;
        };
    }
}
