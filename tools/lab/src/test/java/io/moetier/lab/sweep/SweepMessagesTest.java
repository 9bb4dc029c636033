package io.moetier.lab.sweep;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cluster.membership.TaskException;
import io.moetier.lab.simulate.Outcome;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class SweepMessagesTest {
    private static final String VERSION = "1.2";
    private static final SweepTask TASK = SweepTasks.task("12.5% ½");
    private static final byte[] COMPUTE = new SweepRequest.Compute(TASK).message(VERSION);
    private static final byte[] PART = new SweepRequest.Part(SweepTasks.TRACE, 1000, new byte[234]).message(VERSION);

    @Test
    void whatIsAskedForArrives() {
        assertEquals(new SweepRequest.Compute(TASK), SweepRequest.read(COMPUTE, VERSION));
        SweepRequest.Part part = (SweepRequest.Part) SweepRequest.read(PART, VERSION);
        assertEquals(SweepTasks.TRACE, part.trace());
        assertEquals(1000, part.offset());
        assertArrayEquals(new byte[234], part.bytes());
    }

    @Test
    void whatIsAnsweredArrives() {
        SweepReply.Computed computed = SweepTasks.computed(TASK, 1L << 35);
        SweepReply.Computed read = (SweepReply.Computed) SweepReply.read(computed.message(COMPUTE), COMPUTE, TASK);
        assertEquals(computed.nanos(), read.nanos());
        assertEquals(rows(computed.outcomes()), rows(read.outcomes()));
        SweepReply.Lacking lacking = new SweepReply.Lacking();
        assertEquals(lacking, SweepReply.read(lacking.message(COMPUTE), COMPUTE, TASK));
        assertEquals(99, SweepReply.readKept(new SweepReply.Kept(99).message(PART), PART, 99));
    }

    private static List<String> rows(List<Outcome> outcomes) {
        return outcomes.stream().map(Rows::of).toList();
    }

    @Test
    void theAnswerToSomethingElseIsNone() {
        byte[] other = new SweepRequest.Compute(SweepTasks.task("25%")).message(VERSION);
        byte[] answer = SweepTasks.computed(TASK, 5).message(other);
        assertThrows(TaskException.class, () -> SweepReply.read(answer, COMPUTE, TASK));
        byte[] kept = new SweepReply.Kept(99).message(COMPUTE);
        assertThrows(TaskException.class, () -> SweepReply.read(kept, COMPUTE, TASK));
        assertThrows(TaskException.class, () -> SweepReply.readKept(kept, COMPUTE, 98));
    }

    @Test
    void moreThanCanHaveBeenIsNoAnswer() {
        List<Outcome> outcomes = SweepTasks.computed(TASK, 5).outcomes();
        byte[] ages = new SweepReply.Computed(outcomes, 1L << 51).message(COMPUTE);
        assertThrows(TaskException.class, () -> SweepReply.read(ages, COMPUTE, TASK));
        byte[] stepsOfNoToken = SweepTasks.computed(TASK, 0).message(COMPUTE);
        assertThrows(TaskException.class, () -> SweepReply.read(stepsOfNoToken, COMPUTE, TASK));
    }

    @Test
    void anotherVersionIsToldSo() {
        TaskException e = assertThrows(TaskException.class, () -> SweepRequest.read(COMPUTE, "1.3"));
        assertEquals("this is version 1.3 and does not compute for 1.2", e.getMessage());
    }

    @Test
    void whatCannotBeIsToldSo() {
        int slots = COMPUTE.length - 3 * Integer.BYTES;
        byte[] wrong =
                sealed(ByteBuffer.wrap(COMPUTE.clone()).putInt(slots, 1000).array());
        TaskException e = assertThrows(TaskException.class, () -> SweepRequest.read(wrong, VERSION));
        assertTrue(
                String.valueOf(e.getMessage())
                        .startsWith("a message of sweeps asks for what cannot be: slots [1000, 2]"),
                e::getMessage);
    }

    @Test
    void aMessageThatIsCutOffIsNone() {
        byte[] answer = SweepTasks.computed(TASK, 5).message(COMPUTE);
        for (byte[] message : List.of(COMPUTE, PART, answer)) {
            for (int length = 0; length < message.length; length++) {
                byte[] cut = Arrays.copyOf(message, length);
                assertThrows(TaskException.class, () -> SweepRequest.read(cut, VERSION));
                assertThrows(TaskException.class, () -> SweepReply.read(cut, COMPUTE, TASK));
                if (length >= Integer.BYTES) {
                    refusesOrReads(sealed(cut));
                }
            }
        }
    }

    /// The checksum tells what a line did; who means it makes the checksum fit.
    @Test
    void aMessageThatIsAlteredIsNoneOrAnother() {
        Random random = new Random(7);
        byte[] answer = SweepTasks.computed(TASK, 5).message(COMPUTE);
        for (byte[] message : List.of(COMPUTE, PART, answer)) {
            for (int i = 0; i < 1000; i++) {
                byte[] altered = message.clone();
                altered[random.nextInt(altered.length)] ^= (byte) (1 << random.nextInt(Byte.SIZE));
                assertThrows(TaskException.class, () -> SweepRequest.read(altered, VERSION));
                assertThrows(TaskException.class, () -> SweepReply.read(altered, COMPUTE, TASK));
                for (int k = random.nextInt(4); k > 0; k--) {
                    altered[random.nextInt(altered.length)] = (byte) random.nextInt();
                }
                refusesOrReads(sealed(altered));
            }
        }
    }

    private static void refusesOrReads(byte[] message) {
        List<Consumer<byte[]>> readers = List.of(
                bytes -> SweepRequest.read(bytes, VERSION),
                bytes -> SweepReply.read(bytes, COMPUTE, TASK),
                bytes -> SweepReply.readKept(bytes, PART, 1234));
        for (Consumer<byte[]> reader : readers) {
            try {
                reader.accept(message);
            } catch (TaskException e) {
                // as it should
            }
        }
    }

    private static byte[] sealed(byte[] message) {
        int end = message.length - Integer.BYTES;
        return ByteBuffer.wrap(message)
                .putInt(end, SweepWriter.checksum(message, end))
                .array();
    }
}
