package io.moetier.lab.balance;

import io.moetier.storage.model.Modality;
import java.util.Optional;

/// Counts what tokens of text and of images chose in one layer.
public final class ModalityTally {
    private final ModalityBalance counts;

    public ModalityTally(int numExperts) {
        counts = new ModalityBalance(new long[numExperts], new long[numExperts]);
    }

    /// Counts a choice.
    public void add(Modality modality, int expert) {
        counts.of(modality)[expert]++;
    }

    /// Returns how the two differ, if tokens of both were there.
    public Optional<ModalityBalance> balance() {
        return Shares.sum(counts.text()) > 0 && Shares.sum(counts.image()) > 0 ? Optional.of(counts) : Optional.empty();
    }
}
