package io.moetier.kernels.cpu.arithmetic;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ScratchTest {
    private final Scratch[] all = {new Scratch(), new Scratch(), new Scratch()};

    @Test
    void isCountedAlikeWhicheverThreadWorked() {
        all[1].sums(160);
        all[1].otherSums(64);
        all[1].scores(1);
        all[2].blocks(100);
        all[2].weights(10);
        all[2].scales(1);
        long expected = 3 * 4 * (160 + 64 + 1024 + 100 + 10 + 1);
        assertEquals(expected, Scratch.byteSize(all));
        all[0].otherSums(32);
        all[2].otherSums(32);
        all[2].otherSums(64);
        all[2].blocks(99);
        all[0].scores(1024);
        assertEquals(expected, Scratch.byteSize(all));
        all[0].scores(1025);
        assertEquals(expected + 3 * 4 * 1024, Scratch.byteSize(all));
    }
}
