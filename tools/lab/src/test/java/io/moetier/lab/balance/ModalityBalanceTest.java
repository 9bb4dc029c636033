package io.moetier.lab.balance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.storage.model.Modality;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ModalityBalanceTest {
    private static ModalityBalance balance(long[] text, long[] image) {
        ModalityTally tally = new ModalityTally(text.length);
        for (int expert = 0; expert < text.length; expert++) {
            for (int i = 0; i < text[expert]; i++) {
                tally.add(Modality.TEXT, expert);
            }
            for (int i = 0; i < image[expert]; i++) {
                tally.add(Modality.IMAGE, expert);
            }
        }
        return tally.balance().orElseThrow();
    }

    @Test
    void expertsOfOneKindTellItWholly() {
        ModalityBalance apart = balance(new long[] {4, 4, 0, 0, 0}, new long[] {0, 0, 5, 3, 0});
        assertEquals(1, apart.information().value(), 1e-12);
        assertEquals(3 / (2 * 16 * Math.log(2)), apart.information().byChance(), 1e-12);
        assertEquals(0, apart.overlap());
        assertEquals(0.625, apart.share(Modality.IMAGE, 2));
    }

    @Test
    void expertsOfBothAlikeTellNothing() {
        ModalityBalance alike = balance(new long[] {3, 1, 0}, new long[] {6, 2, 0});
        assertEquals(0, alike.information().value(), 1e-12);
        assertEquals(1, alike.overlap());
    }

    @Test
    void setsAreComparedByWhatAnyTokenChose() {
        ModalityBalance partly = balance(new long[] {1, 1, 1, 0, 0}, new long[] {0, 1, 1, 1, 0});
        assertEquals(3, partly.used(Modality.TEXT));
        assertEquals(3, partly.used(Modality.IMAGE));
        assertEquals(2, partly.usedByBoth());
        assertEquals(0.5, partly.overlap());
        // H(expert) = log2 6 − 2/3 and H(expert | kind) = log2 3
        assertEquals(1 - 2.0 / 3, partly.information().value(), 1e-12);
    }

    @Test
    void oneKindAloneHasNothingToBeComparedWith() {
        ModalityTally tally = new ModalityTally(2);
        assertEquals(Optional.empty(), tally.balance());
        tally.add(Modality.TEXT, 1);
        assertEquals(Optional.empty(), tally.balance());
    }
}
