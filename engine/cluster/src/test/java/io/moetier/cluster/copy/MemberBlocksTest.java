package io.moetier.cluster.copy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.moetier.cluster.membership.ClusterSettings;
import io.moetier.cluster.membership.Identity;
import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.Offer;
import io.moetier.storage.expert.StoreManifest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MemberBlocksTest {
    @TempDir
    private Path scratch;

    private static Member member(String id) {
        return new Member(id, "node", "", new Offer(Offer.Role.NODE, "127.0.0.1", 1, 1 << 30, 1, "bits", "1"));
    }

    @Test
    void aMemberIsTheSameSourceAsLongAsItIsThere() throws IOException {
        StoreManifest manifest = new SampleModel(7, 2, 5_000).write(scratch.resolve("model.mtier"));
        StoreManifest other = new SampleModel(8, 2, 5_000).write(scratch.resolve("other.mtier"));
        ClusterSettings settings =
                new ClusterSettings("trial", "127.0.0.1", 0, List.of(), false, Optional.empty(), Optional.empty());
        try (MemberBlocks blocks = new MemberBlocks(Identity.read(settings, scratch.resolve("secrets")))) {
            blocks.members(List.of(member("a")));
            BlockSource first = blocks.of(manifest).getFirst();
            assertNotEquals(first, blocks.of(other).getFirst());
            blocks.members(List.of(member("b"), member("a")));
            assertEquals(first, blocks.of(manifest).get(1));
            blocks.members(List.of(member("b")));
            blocks.members(List.of(member("a")));
            assertNotEquals(first, blocks.of(manifest).getFirst());
        }
    }
}
