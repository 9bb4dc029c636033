package io.moetier.cluster.drive;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Members on several machines find each other by asking on their network, also after it was not there, and a node
/// whose link goes down in the middle of a token changes no bit and is taken in again.
class NetworkTest {
    @TempDir
    Path folder;

    @Test
    void membersFindEachOtherOnTheirNetworkHoweverOftenALinkGoesDown() throws Exception {
        try (Machines machines = Machines.open();
                NodeProcess one = node("one", machines, 1, false);
                NodeProcess two = node("two", machines, 2, true)) {
            Path store = Text.store(folder, "tiny-mixtral");
            one.awaitMember();
            two.awaitMember();
            machines.connect(2, two);
            one.awaitOther("two");
            try (NetworkDriver driver = NetworkDriver.start(TestCluster.secretFile(folder), store, machines, 3)) {
                assertEquals("middle", driver.next());
                machines.cut(2, two);
                driver.goOn();
                assertEquals("gone", driver.next());
                machines.connect(2, two);
                driver.goOn();
                assertEquals("back", driver.next());
                driver.goOn();
            }
        }
    }

    private NodeProcess node(String name, Machines machines, int machine, boolean isCut) throws IOException {
        return NodeProcess.start(name, TestCluster.secretFile(folder), folder.resolve(name), machines, machine, isCut);
    }
}
