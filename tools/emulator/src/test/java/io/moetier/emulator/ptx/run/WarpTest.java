package io.moetier.emulator.ptx.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.emulator.memory.FreshMemory;
import io.moetier.emulator.ptx.code.Cost;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What lanes, warps and blocks do together: divergence, shuffles, votes, barriers, atomics, order.
class WarpTest {
    private static int[] first(int[] values, int count) {
        return java.util.Arrays.copyOf(values, count);
    }

    @Test
    void lanesPartInLoopsAndMeetAgain() {
        String body = """
                mov.u32 %r2, 0;
                mov.u32 %r3, %r1;
                L: setp.eq.u32 %p0, %r3, 1;
                setp.eq.u32 %p3, %r3, 0;
                or.pred %p0, %p0, %p3;
                @%p0 bra OUT;
                and.b32 %r4, %r3, 1;
                setp.eq.u32 %p1, %r4, 0;
                @%p1 bra EVEN;
                mad.lo.s32 %r3, %r3, 3, 1;
                bra.uni NEXT;
                EVEN: shr.u32 %r3, %r3, 1;
                NEXT: add.s32 %r2, %r2, 1;
                bra.uni L;
                OUT: activemask.b32 %r5;
                st.global.u32 [%d1], %r2;
                st.global.u32 [%d1+512], %r5;""";
        int[] found = Script.results(body, 100, 0);
        assertArrayEquals(IntStream.range(0, 100).map(WarpTest::collatz).toArray(), first(found, 100));
        assertEquals(-1, found[128], "all lanes have met");
        assertEquals(15, found[128 + 99], "the last warp has four");
    }

    private static int collatz(int start) {
        int steps = 0;
        for (int n = start; n > 1; n = n % 2 == 0 ? n / 2 : 3 * n + 1) {
            steps++;
        }
        return steps;
    }

    @ParameterizedTest
    @CsvSource({
        "up,3,0",
        "down,3,31",
        "bfly,5,31",
        "idx,9,31",
        "up,2,0x1800",
        "down,2,0x181f",
        "bfly,9,0x181f",
        "idx,3,0x181f"
    })
    void shufflesFollowTheDefinition(String mode, int b, String bound) {
        int c = Integer.decode(bound);
        String body = "shfl.sync." + mode + ".b32 %r2|%p0, %r1, " + b + ", " + c + ", -1;\n"
                + "selp.u32 %r3, 100, 0, %p0;\nadd.u32 %r2, %r2, %r3;\nst.global.u32 [%d1], %r2;";
        assertArrayEquals(
                IntStream.range(0, 32).map(lane -> shuffled(mode, lane, b, c)).toArray(),
                first(Script.results(body, 32, 0), 32));
    }

    @Test
    void lanesReadParametersOfTheirOwn() {
        try (Script script = new Script("""
                mov.u64 %d2, n;
                and.b32 %r2, %r1, 1;
                mul.wide.u32 %d3, %r2, 8;
                sub.s64 %d2, %d2, %d3;
                setp.lt.u32 %p0, %r1, 30;
                @%p0 ld.param.u32 %r3, [%d2];
                @!%p0 ld.param.u32 %r3, [n];
                st.global.u32 [%d1], %r3;""")) {
            int[] found = script.run(32, 7);
            for (int lane = 0; lane < 32; lane++) {
                assertEquals(lane < 30 && lane % 2 == 1 ? (int) script.out : 7, found[lane], "lane " + lane);
            }
        }
    }

    /// The pseudo-code of the ISA.
    private static int shuffled(String mode, int lane, int b, int c) {
        int mask = c >> 8 & 31;
        int maxLane = (lane & mask) | (c & 31 & ~mask);
        int minLane = lane & mask;
        int j = switch (mode) {
            case "up" -> lane - b;
            case "down" -> lane + b;
            case "bfly" -> lane ^ b;
            default -> minLane | (b & ~mask);
        };
        boolean inside = mode.equals("up") ? j >= maxLane : j <= maxLane;
        return inside ? j + 100 : lane;
    }

    @Test
    void votesCountTheirMembers() {
        String body = """
                setp.lt.u32 %p0, %r1, %r0;
                vote.sync.ballot.b32 %r2, %p0, -1;
                vote.sync.any.pred %p1, %p0, -1;
                vote.sync.all.pred %p2, !%p0, -1;
                vote.sync.uni.pred %p3, %p0, -1;
                selp.u32 %r3, 1, 0, %p1;
                selp.u32 %r4, 2, 0, %p2;
                selp.u32 %r5, 4, 0, %p3;
                add.u32 %r3, %r3, %r4; add.u32 %r3, %r3, %r5;
                st.global.u32 [%d1], %r2;
                st.global.u32 [%d1+512], %r3;""";
        assertEquals(0x1f, Script.results(body, 32, 5)[7]);
        assertEquals(1, Script.results(body, 32, 5)[128]);
        assertEquals(6, Script.results(body, 32, 0)[128]);
        assertEquals(5, Script.results(body, 32, 32)[128]);
    }

    @Test
    void halvesOfAWarpExchangeApart() {
        String body = """
                and.b32 %r2, %r1, 16;
                mov.u32 %r3, 0xffff;
                shl.b32 %r3, %r3, %r2;
                shfl.sync.bfly.b32 %r4, %r1, 1, 31, %r3;
                redux.sync.add.s32 %r5, %r1, %r3;
                match.any.sync.b32 %r6, %r2, -1;
                st.global.u32 [%d1], %r4; st.global.u32 [%d1+512], %r5; st.global.u32 [%d1+1024], %r6;""";
        int[] found = Script.results(body, 32, 0);
        assertEquals(17, found[16]);
        assertEquals(120, found[128 + 3]);
        assertEquals(376, found[128 + 20]);
        assertEquals(0xffff0000, found[256 + 20]);
    }

    @ParameterizedTest
    @CsvSource({"add.u32,496", "min.u32,0", "max.s32,31", "and.b32,0", "or.b32,31", "xor.b32,0"})
    void reductionsSeeAllLanes(String operation, int expected) {
        String body = "redux.sync." + operation + " %r2, %r1, -1;\nst.global.u32 [%d1], %r2;";
        assertEquals(expected, Script.results(body, 32, 0)[4]);
    }

    @ParameterizedTest
    @CsvSource({
        "add.u32,1000",
        "add.s32,-5",
        "min.s32,-7",
        "min.u32,-7",
        "max.s32,-7",
        "max.u32,-7",
        "and.b32,-1",
        "or.b32,64",
        "xor.b32,64",
        "inc.u32,60",
        "dec.u32,3",
        "exch.b32,5"
    })
    void atomicsChangeMemoryOnceALane(String operation, int start) {
        boolean bounded = operation.startsWith("inc") || operation.startsWith("dec");
        String body = "atom.global." + operation + " %r2, [%d0], " + (bounded ? "62" : "%r1")
                + ";\nst.global.u32 [%d1+512], %r2;";
        try (Script script = new Script(body)) {
            script.memory.fill(script.out, start, 4, 1);
            int[] found = script.run(64, 0);
            int value = start;
            for (int i = 0; i < 64; i++) {
                assertEquals(value, found[128 + i], "what lane " + i + " saw");
                value = changed(operation, value, i);
            }
            assertEquals(value, found[0]);
        }
    }

    private static int changed(String operation, int old, int i) {
        return switch (operation) {
            case "add.u32", "add.s32" -> old + i;
            case "min.s32" -> Math.min(old, i);
            case "min.u32" -> Integer.compareUnsigned(old, i) < 0 ? old : i;
            case "max.s32" -> Math.max(old, i);
            case "max.u32" -> Integer.compareUnsigned(old, i) > 0 ? old : i;
            case "and.b32" -> old & i;
            case "or.b32" -> old | i;
            case "xor.b32" -> old ^ i;
            case "inc.u32" -> Integer.compareUnsigned(old, 62) >= 0 ? 0 : old + 1;
            case "dec.u32" -> old == 0 || Integer.compareUnsigned(old, 62) > 0 ? 62 : old - 1;
            default -> i;
        };
    }

    @Test
    void atomicsOfFloatsAndSwaps() {
        String body = """
                cvt.rn.f32.u32 %f0, %r1;
                red.global.add.f32 [%d0], %f0;
                atom.global.cas.b32 %r2, [%d0+4], 0, %r0;
                atom.shared.add.u32 %r3, [dynamic], 1;
                mov.b64 %d2, {%r1, %r1};
                atom.global.max.u64 %d3, [%d0+8], %d2;
                st.global.u32 [%d1+512], %r3;""";
        try (Script script = new Script(body, io.moetier.emulator.memory.FreshMemory.ZERO)) {
            int[] found = script.run(64, 9);
            assertEquals(2016f, Float.intBitsToFloat(found[0]));
            assertEquals(9, found[1]);
            assertEquals(63, found[3]);
        }
    }

    private static final String MISSING = """
            mov.u32 %r2, dynamic;
            shl.b32 %r3, %r1, 2;
            add.u32 %r2, %r2, %r3;
            st.shared.u32 [%r2], %r1;
            BARRIER
            sub.u32 %r4, 252, %r3;
            ld.shared.u32 %r5, [%r4];
            st.global.u32 [%d1], %r5;""";

    @Test
    void shuffledOrderFindsAMissingBarrier() {
        int[] expected = IntStream.range(0, 64).map(i -> 63 - i).toArray();
        int found = 0;
        for (int seed = 0; seed < 20; seed++) {
            LaunchOptions options = LaunchOptions.DEFAULT.withSeed(seed);
            try (Script right = new Script(MISSING.replace("BARRIER", "bar.sync 0;"));
                    Script wrong = new Script(
                            MISSING.replace("BARRIER", ""), io.moetier.emulator.memory.FreshMemory.POISONED)) {
                right.launch(1, 64, 0, options);
                assertArrayEquals(expected, first(right.ints(), 64));
                wrong.launch(1, 64, 0, options);
                found += java.util.Arrays.equals(expected, first(wrong.ints(), 64)) ? 0 : 1;
            }
        }
        assertTrue(found > 0, "no seed found it");
    }

    @Test
    void blocksRunOnceEachInAnyOrder() {
        String body = """
                mov.u32 %r2, %ctaid.x;
                atom.global.add.u32 %r3, [%d0], 1;
                mad.wide.u32 %d2, %r2, 4, %d0;
                st.global.u32 [%d2+4], %r3;""";
        try (Script script = new Script(body)) {
            script.launch(60, 1, 0, LaunchOptions.DEFAULT);
            assertArrayEquals(IntStream.range(0, 60).toArray(), java.util.Arrays.copyOfRange(script.ints(), 1, 61));
            script.memory.fill(script.out, 0, 4, 1);
            script.launch(60, 1, 0, LaunchOptions.DEFAULT.withSeed(5));
            int[] order = java.util.Arrays.copyOfRange(script.ints(), 1, 61);
            assertNotEquals(0, order[0]);
            assertArrayEquals(
                    IntStream.range(0, 60).toArray(),
                    IntStream.of(order).sorted().toArray());
        }
    }

    @Test
    void barriersCountAndReduce() {
        String body = """
                setp.lt.u32 %p0, %r1, %r0;
                bar.red.popc.u32 %r2, 0, %p0;
                bar.red.and.pred %p1, 0, %p0;
                bar.red.or.pred %p2, 0, %p0;
                selp.u32 %r3, 100, 0, %p1; selp.u32 %r4, 1000, 0, %p2;
                add.u32 %r2, %r2, %r3; add.u32 %r2, %r2, %r4;
                st.global.u32 [%d1], %r2;""";
        assertEquals(1040, Script.results(body, 70, 40)[69]);
        assertEquals(1170, Script.results(body, 70, 70)[3]);
        assertEquals(0, Script.results(body, 70, 0)[3]);
    }

    @Test
    void namedBarriersWaitForSomeWarps() {
        String body = """
                setp.ge.u32 %p0, %r1, 64;
                @%p0 bra OUT;
                bar.sync 1, 64;
                OUT: bar.sync 0;
                st.global.u32 [%d1], %r1;""";
        assertEquals(95, Script.results(body, 96, 0)[95]);
    }

    @ParameterizedTest
    @ValueSource(strings = {"%ntid.x", "%nctaid.x", "%laneid", "%warpid", "%lanemask_lt", "%lanemask_ge", "%tid.y"})
    void specialRegistersAreWhatTheySay(String register) {
        String body = "mov.u32 %r2, " + register + ";\nst.global.u32 [%d1], %r2;";
        int expected = switch (register) {
            case "%ntid.x" -> 64;
            case "%nctaid.x" -> 1;
            case "%laneid" -> 3;
            case "%warpid" -> 1;
            case "%lanemask_lt" -> 7;
            case "%lanemask_ge" -> -8;
            default -> 0;
        };
        assertEquals(expected, Script.results(body, 64, 0)[35]);
    }

    @Test
    void disturbanceIsSmallAndRepeats() {
        String body =
                "cvt.rn.f32.u32 %f0, %r1;\nmul.f32 %f0, %f0, 0f3DCCCCCD;\nex2.approx.f32 %f1, %f0;\nst.global.f32 [%d1], %f1;";
        int[] plain = Script.results(body, 256, 0);
        LaunchOptions options = new LaunchOptions(false, 7, true, 1L << 40, 2);
        try (Script script = new Script(body)) {
            script.launch(1, 256, 0, options);
            int[] once = script.ints();
            script.launch(1, 256, 0, options);
            assertArrayEquals(once, script.ints());
            int most = IntStream.range(0, 256)
                    .map(i -> Math.abs(once[i] - plain[i]))
                    .max()
                    .orElseThrow();
            assertEquals(2, most);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "'ld.global.u32 %r2, [%d1+4];', 5, 0", // bytes 4 to 131
        "'ld.global.u32 %r2, [%d0+64];', 1, 0",
        "'mul.wide.u32 %d2, %r1, 8; add.s64 %d2, %d2, %d0; ld.global.v2.u32 {%r2, %r3}, [%d2];', 8, 0",
        "'mul.wide.u32 %d2, %r1, 8; add.s64 %d2, %d2, %d0; st.global.v2.u32 [%d2], {%r1, %r1};', 0, 8",
        "'st.global.u32 [%d1+28], %r1;', 0, 5"
    })
    void accessesOfNeighboursAndOfOnePlaceAreCountedLikeOthers(String body, long read, long written) {
        try (Script script = new Script(body)) {
            LaunchCounts counts = script.launch(1, 32, 0, LaunchOptions.DEFAULT);
            assertEquals(read, counts.sectorsRead());
            assertEquals(written, counts.sectorsWritten());
        }
    }

    @Test
    void neighboursLoadWhatEachAsksForAndOnePlaceIsLoadedForAll() {
        String body = """
                st.global.u32 [%d1], %r1;
                bar.sync 0;
                ld.global.u32 %r2, [%d1];
                mul.wide.u32 %d2, %r1, 8;
                add.s64 %d2, %d2, %d0;
                and.b32 %r3, %r1, 15;
                mul.wide.u32 %d3, %r3, 8;
                add.s64 %d3, %d3, %d0;
                ld.global.v2.u32 {%r4, %r5}, [%d3];
                ld.global.u32 %r6, [%d0+20];
                div.s32 %r7, %r6, 2;
                mad.lo.u32 %r2, %r2, 100, %r5;
                mad.lo.u32 %r2, %r2, 100, %r7;
                st.global.u32 [%d1+512], %r2;""";
        int[] found = Script.results(body, 32, 0);
        for (int i = 0; i < 32; i++) {
            assertEquals(i * 10_000 + (i % 16 * 2 + 1) * 100 + 2, found[128 + i]);
        }
    }

    @Test
    void trafficCountsDistinctSectors() {
        String body = """
                mul.wide.u32 %d2, %r1, 8;
                add.s64 %d2, %d2, %d0;
                ld.global.u32 %r2, [%d2];
                ld.global.u32 %r3, [%d2];
                fma.rn.f32 %f0, %f1, %f2, %f3;
                dp4a.s32.s32 %r4, %r2, %r3, 0;
                ex2.approx.f32 %f4, %f1;
                st.global.u32 [%d1+2048], %r2;""";
        try (Script script = new Script(body)) {
            LaunchCounts counts = script.launch(2, 64, 0, LaunchOptions.DEFAULT);
            assertEquals(16, counts.sectorsRead());
            assertEquals(8, counts.sectorsWritten());
            assertEquals(128, counts.operations(Cost.FP32));
            assertEquals(128, counts.operations(Cost.DOT_PRODUCT));
            assertEquals(128, counts.operations(Cost.SPECIAL));
            assertEquals(4 * 12, counts.warpInstructions(), "all but the copy of the thread's number");
        }
    }

    /// What a launch works in was another's before.
    @ParameterizedTest
    @EnumSource(FreshMemory.class)
    void aLaunchLeavesNothingInMemoryOfItsOwn(FreshMemory fresh) {
        String body = """
                .shared .align 4 .b8 s[4096];
                .local .align 4 .b8 l[4];
                mov.u32 %r2, s; mad.lo.s32 %r3, %r1, 4, %r2; mov.u32 %r4, l;
                setp.ne.u32 %p0, %r0, 0;
                @%p0 st.shared.u32 [%r3], %r1;
                @%p0 st.local.u32 [%r4], %r1;
                ld.shared.u32 %r5, [%r3];
                st.global.u32 [%d1], %r5;
                ld.local.u32 %r6, [%r4];
                st.global.u32 [%d1+2048], %r6;""";
        try (Script script = new Script(body, fresh)) {
            assertEquals(32, script.run(33, 1)[32]);
            assertEquals(99, script.run(100, 1)[512 + 99], "more warps than the launch before had");
            if (fresh == FreshMemory.FAULTS) {
                assertThrows(KernelFault.class, () -> script.run(100, 0));
                assertEquals(99, script.run(100, 1)[512 + 99], "behind one that has failed");
            } else {
                int[] found = script.run(100, 0);
                int untouched = fresh == FreshMemory.ZERO ? 0 : -1;
                assertTrue(IntStream.range(0, 100).allMatch(i -> found[i] == untouched));
                assertTrue(IntStream.range(512, 612).allMatch(i -> found[i] == untouched));
            }
        }
    }
}
