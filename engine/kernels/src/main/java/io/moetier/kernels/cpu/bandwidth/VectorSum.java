package io.moetier.kernels.cpu.bandwidth;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.ByteOrder;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/// Reads memory as one ascending stream and adds it up with the Vector API.
final class VectorSum implements MemoryReading {
    private static final VectorSpecies<Long> LANES = LongVector.SPECIES_PREFERRED;
    private static final int VECTOR_BYTES = LANES.vectorByteSize();
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    private static final int OPTIMISED = 4;

    /// Says whether this JVM has the compiler that makes vector instructions of this; else it is slower than memory.
    static boolean isCompiled() {
        HotSpotDiagnosticMXBean jvm = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
        return jvm == null
                || Integer.parseInt(jvm.getVMOption("TieredStopAtLevel").getValue()) >= OPTIMISED;
    }

    @Override
    public long read(MemorySegment memory, long from, long to) {
        LongVector sum0 = LongVector.zero(LANES);
        LongVector sum1 = sum0;
        LongVector sum2 = sum0;
        LongVector sum3 = sum0;
        for (long at = from; at < to; at += 4L * VECTOR_BYTES) {
            sum0 = sum0.add(LongVector.fromMemorySegment(LANES, memory, at, ORDER));
            sum1 = sum1.add(LongVector.fromMemorySegment(LANES, memory, at + VECTOR_BYTES, ORDER));
            sum2 = sum2.add(LongVector.fromMemorySegment(LANES, memory, at + 2L * VECTOR_BYTES, ORDER));
            sum3 = sum3.add(LongVector.fromMemorySegment(LANES, memory, at + 3L * VECTOR_BYTES, ORDER));
        }
        return sum0.add(sum1).add(sum2.add(sum3)).reduceLanes(VectorOperators.ADD);
    }
}
