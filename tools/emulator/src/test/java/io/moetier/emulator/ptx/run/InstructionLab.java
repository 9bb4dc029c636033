package io.moetier.emulator.ptx.run;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.emulator.memory.DeviceMemory;
import io.moetier.emulator.memory.FreshMemory;
import io.moetier.emulator.ptx.code.PtxType;
import io.moetier.emulator.ptx.code.Rounding;
import io.moetier.emulator.ptx.lane.Floats;
import io.moetier.emulator.ptx.module.PtxModule;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/// Runs one instruction on many operands, a lane each, in a kernel written for it.
final class InstructionLab {
    private static final String HEAD = ".version 8.0\n.target sm_90\n.address_size 64\n";
    static final int BLOCK = 64;

    private InstructionLab() {}

    /// What an instruction should give for the bits of its operands, in a register of its result's type.
    interface Reference {
        long result(long[] operands);
    }

    static String suffix(Rounding rounding) {
        return switch (rounding) {
            case NEAREST -> "rn";
            case ZERO -> "rz";
            case DOWN -> "rm";
            case UP -> "rp";
        };
    }

    /// Runs `opcode d, a, b, …;` for each row of operands and returns the bits of the results.
    static long[] run(String opcode, PtxType result, List<PtxType> operands, List<long[]> rows) {
        StringBuilder names = new StringBuilder().append(' ').append("%d");
        for (int i = 0; i < operands.size(); i++) {
            names.append(", %x").append(i);
        }
        return runWith(opcode + names, result, operands, rows);
    }

    /// Runs a whole instruction, whose result is `%d` and whose operands are `%x0`, `%x1`, …; `%p` and `%q` are
    /// predicates.
    static long[] runWith(String instruction, PtxType result, List<PtxType> operands, List<long[]> rows) {
        StringBuilder text = new StringBuilder(HEAD + ".visible .entry lab(.param .u64 in, .param .u64 out) {\n");
        text.append(".reg .pred %p, %q; .reg .b64 %in, %out, %at; .reg .b32 %i, %n, %c;\n");
        text.append(".reg ").append(register(result)).append(" %d;\n");
        for (int i = 0; i < operands.size(); i++) {
            text.append(".reg ").append(register(operands.get(i))).append(" %x" + i + ";\n");
        }
        text.append("mov.u32 %i, %ctaid.x; mov.u32 %n, %ntid.x; mov.u32 %c, %tid.x; mad.lo.s32 %i, %i, %n, %c;\n");
        text.append("ld.param.u64 %in, [in]; ld.param.u64 %out, [out];\n");
        text.append("mad.wide.u32 %in, %i, " + 8 * operands.size() + ", %in; mad.wide.u32 %out, %i, 8, %out;\n");
        for (int i = 0; i < operands.size(); i++) {
            String width = operands.get(i).wide() ? "b64" : operands.get(i).bytes == 4 ? "b32" : "b16";
            text.append("ld.global." + width + " %x" + i + ", [%in+" + 8 * i + "];\n");
        }
        text.append(instruction + ";\n");
        text.append(
                "st.global." + (result.wide() ? "b64" : result.bytes == 4 ? "b32" : "b16") + " [%out], %d;\nret;\n}\n");
        return execute(text.toString(), operands.size(), rows);
    }

    private static String register(PtxType type) {
        return type.wide() ? ".b64" : type.bytes == 4 ? ".b32" : ".b16";
    }

    private static long[] execute(String text, int operands, List<long[]> rows) {
        PtxModule module = PtxModule.parse(text);
        int threads = Math.ceilDiv(rows.size(), BLOCK) * BLOCK;
        try (Arena arena = Arena.ofConfined();
                DeviceMemory memory = new DeviceMemory(1 << 24, FreshMemory.POISONED);
                LoadedModule loaded = new LoadedModule(module, memory)) {
            MemorySegment in = arena.allocate(8L * operands * threads);
            for (int i = 0; i < threads; i++) {
                for (int j = 0; j < operands; j++) {
                    long bits = rows.get(i % rows.size())[j];
                    in.setAtIndex(ValueLayout.JAVA_LONG, (long) i * operands + j, bits);
                }
            }
            MemorySegment out = arena.allocate(8L * threads);
            MemorySegment parameters = arena.allocate(16);
            parameters.set(ValueLayout.JAVA_LONG, 0, memory.allocate(in.byteSize()));
            parameters.set(ValueLayout.JAVA_LONG, 8, memory.allocate(out.byteSize()));
            memory.write(parameters.get(ValueLayout.JAVA_LONG, 0), in);
            memory.write(parameters.get(ValueLayout.JAVA_LONG, 8), out);
            Launch launch = new Launch(Extent.of(threads / BLOCK), Extent.of(BLOCK), 0, parameters);
            loaded.launch(module.kernel("lab").orElseThrow(), launch, LaunchOptions.DEFAULT);
            memory.read(parameters.get(ValueLayout.JAVA_LONG, 8), out);
            return out.asSlice(0, 8L * rows.size()).toArray(ValueLayout.JAVA_LONG);
        }
    }

    /// Checks an instruction against its definition; all patterns of a float that is not a number are the same.
    static void check(String opcode, PtxType result, List<PtxType> operands, List<long[]> rows, Reference reference) {
        compare(opcode, result, rows, reference, run(opcode, result, operands, rows));
    }

    static void compare(String opcode, PtxType result, List<long[]> rows, Reference reference, long[] found) {
        for (int i = 0; i < rows.size(); i++) {
            long[] row = rows.get(i);
            long expected = reference.result(row) & mask(result);
            boolean bothNan = result.floating() && nan(result, expected) && nan(result, found[i]);
            if (!bothNan && expected != found[i]) {
                assertEquals(
                        Long.toHexString(expected),
                        Long.toHexString(found[i]),
                        opcode + " of "
                                + java.util.Arrays.stream(row)
                                        .mapToObj(Long::toHexString)
                                        .toList());
            }
        }
    }

    static boolean nan(PtxType type, long bits) {
        return Double.isNaN(Floats.value(type, bits));
    }

    static long mask(PtxType type) {
        return type.wide() ? -1L : type.bytes == 4 ? 0xffffffffL : 0xffffL;
    }

    /// Returns all combinations of values, each in every place.
    static List<long[]> combinations(int operands, long[] values) {
        List<long[]> rows = new ArrayList<>();
        int count = (int) Math.pow(values.length, operands);
        for (int i = 0; i < count; i++) {
            long[] row = new long[operands];
            int rest = i;
            for (int j = 0; j < operands; j++) {
                row[j] = values[rest % values.length];
                rest /= values.length;
            }
            rows.add(row);
        }
        return rows;
    }

    /// Returns rows of random bits, drawn so that small numbers and nearly equal ones are among them.
    static List<long[]> random(int operands, PtxType type, int count) {
        java.util.SplittableRandom random = new java.util.SplittableRandom(operands * 31L + type.bits());
        List<long[]> rows = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            long[] row = new long[operands];
            for (int j = 0; j < operands; j++) {
                long bits = random.nextLong() >> (i % 4 == 0 ? random.nextInt(64) : 0);
                row[j] = (j > 0 && i % 3 == 0 ? row[0] + random.nextInt(5) : bits) & mask(type);
            }
            rows.add(row);
        }
        return rows;
    }
}
