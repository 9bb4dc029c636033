package io.moetier.cluster.placement;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.Seeds;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

class PlacementTest {
    @Test
    void isReadAsItWasWritten() {
        Seeds.each(200, (seed, random) -> {
            Placement placement = Placer.place(Cases.random(random));
            byte[] bytes = placement.bytes();
            assertEquals(placement, Placement.parse(bytes));
            assertEquals(placement.hashCode(), Placement.parse(bytes).hashCode());
            assertTrue(bytes.length < 300 + 8 * placement.ids().length, bytes.length + " bytes");
        });
    }

    @Test
    void whatIsCutShortOrFlippedIsRefused() {
        Seeds.each(200, (seed, random) -> {
            byte[] bytes = Placer.place(Cases.random(random)).bytes();
            byte[] cut = Arrays.copyOf(bytes, random.nextInt(bytes.length));
            assertThrows(MalformedModelException.class, () -> Placement.parse(cut));
            byte[] flipped = bytes.clone();
            flipped[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
            assertThrows(MalformedModelException.class, () -> Placement.parse(flipped));
        });
    }

    /// Somebody may send nonsense whose checksum is right.
    @Test
    void nonsenseWithARightChecksumIsRefusedOrAPlacement() {
        int[] refused = new int[1];
        Seeds.each(1500, (seed, random) -> {
            byte[] bytes = Placer.place(Cases.random(random)).bytes();
            int length = bytes.length - 4;
            for (int i = random.nextInt(1, 4); i > 0; i--) {
                bytes[random.nextInt(length)] = (byte) random.nextInt();
            }
            if (random.nextInt(4) == 0) {
                length = random.nextInt(length + 1);
            }
            CRC32C crc = new CRC32C();
            crc.update(bytes, 0, length);
            byte[] sealed = ByteBuffer.allocate(length + 4)
                    .put(bytes, 0, length)
                    .putInt((int) crc.getValue())
                    .array();
            try {
                Placement placement = Placement.parse(sealed);
                assertEquals(placement, Placement.parse(placement.bytes()));
            } catch (MalformedModelException e) {
                refused[0]++;
            }
        });
        assertTrue(refused[0] > 250, refused[0] + " refused");
    }

    @Test
    void whatIsNoPlacementIsRefused() {
        List<String> members = List.of("driver", "a");
        refuse(List.of(), new int[] {0}, new int[][] {{0}});
        refuse(List.of("a", "a"), new int[] {0}, new int[][] {{0}});
        refuse(members, new int[] {1, 0}, new int[][] {{0}, {0}});
        refuse(members, new int[] {0}, new int[][] {{}});
        refuse(members, new int[] {0}, new int[][] {{2}});
        refuse(members, new int[] {0}, new int[][] {{1, 1}});
        Placement placement = new Placement(1, members, new int[] {3}, new int[][] {{1, 0}}, new BitSet());
        assertEquals(2, placement.numOwners(0, 3));
        assertThrows(IllegalArgumentException.class, () -> placement.numOwners(0, 2));
        assertThrows(IllegalArgumentException.class, () -> placement.numOwners(1, 0));
    }

    /// What another member says of a model takes no more memory than it has sent.
    @Test
    void expertsAreFoundWhereverTheyAre() {
        int numLayers = 1 << 15;
        int[] ids = IntStream.range(0, numLayers)
                .map(layer -> ExpertId.pack(layer, ExpertId.MAX_INDEX))
                .toArray();
        int[][] owners = new int[numLayers][];
        Arrays.fill(owners, new int[] {1});
        Placement placement =
                Placement.parse(new Placement(1, List.of("driver", "a"), ids, owners, new BitSet()).bytes());
        for (int layer = 0; layer < numLayers; layer++) {
            assertEquals(layer, placement.find(layer, ExpertId.MAX_INDEX));
        }
        assertThrows(IllegalArgumentException.class, () -> placement.find(3, 2));
        assertThrows(IllegalArgumentException.class, () -> placement.find(numLayers, 0));
    }

    @Test
    void namesOfMembersCanBeShown() {
        byte[] bytes = new Placement(1, List.of("driver", "a\u001b[2J"), new int[] {0}, new int[][] {{1}}, new BitSet())
                .bytes();
        assertThrows(MalformedModelException.class, () -> Placement.parse(bytes));
    }

    private static void refuse(List<String> members, int[] ids, int[][] owners) {
        assertThrows(IllegalArgumentException.class, () -> new Placement(1, members, ids, owners, new BitSet()));
    }
}
