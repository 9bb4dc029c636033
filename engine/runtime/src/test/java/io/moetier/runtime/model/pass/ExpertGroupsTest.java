package io.moetier.runtime.model.pass;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ExpertGroupsTest {
    private static final float[] WEIGHTS = {0.75f, 0.25f, 0.625f, 0.375f, 0.875f, 0.125f};

    @Test
    void groupsTokensByExpertAndKeepsTheirRows() {
        ExpertGroups groups = new ExpertGroups(5, 11);
        groups.sort(new int[] {4, 1, 1, 3, 4, 3}, WEIGHTS, 3, 2, 5);
        assertEquals(3, groups.numDistinct());
        assertArrayEquals(new int[] {1, 3, 4}, Arrays.copyOf(groups.distinct, 3));
        assertEquals(2, groups.size(4));
        assertEquals(0, groups.size(0));
        int start = groups.start(4);
        assertArrayEquals(new int[] {0, 2}, Arrays.copyOfRange(groups.tokens, start, start + 2));
        assertArrayEquals(new int[] {0, 4}, Arrays.copyOfRange(groups.rows, start, start + 2));
    }

    @Test
    void listsEveryTokenBehindTheGroups() {
        ExpertGroups groups = new ExpertGroups(5, 9);
        groups.sort(new int[] {4, 1, 1, 3, 4, 3}, WEIGHTS, 3, 2, 5);
        assertArrayEquals(new int[] {0, 1, 2}, Arrays.copyOfRange(groups.tokens, 6, 9));
        assertArrayEquals(new int[] {6, 7, 8}, Arrays.copyOfRange(groups.rows, 6, 9));
    }

    @Test
    void sumsTheWeightsOfEachExpertOverTheTokens() {
        ExpertGroups groups = new ExpertGroups(5, 9);
        groups.sort(new int[] {4, 1, 1, 3, 4, 3}, WEIGHTS, 3, 2, 5);
        groups.sort(new int[] {4, 1, 1, 3, 4, 3}, WEIGHTS, 3, 2, 5);
        assertArrayEquals(new float[] {0.875f, 0.5f, 1.625f}, Arrays.copyOf(groups.weights, 3));
    }

    @Test
    void leavesOutChoicesOfNoExpert() {
        ExpertGroups groups = new ExpertGroups(5, 9);
        groups.sort(new int[] {-1, 1, 4, -1, -1, -1}, new float[] {0, 0.25f, 0.5f, 0, 0, 0}, 3, 2, 5);
        assertArrayEquals(new int[] {1, 4}, Arrays.copyOf(groups.distinct, groups.numDistinct()));
        assertArrayEquals(new float[] {0.25f, 0.5f}, Arrays.copyOf(groups.weights, 2));
        assertEquals(1, groups.rows[groups.start(1)]);
        assertEquals(1, groups.tokens[groups.start(4)]);
        assertArrayEquals(new int[] {6, 7, 8}, Arrays.copyOfRange(groups.rows, 6, 9));
        groups.sort(new int[] {-1, -1}, new float[2], 1, 2, 5);
        assertEquals(0, groups.numDistinct());
    }

    @Test
    void identitiesLieBehindTheExperts() {
        ExpertGroups groups = new ExpertGroups(6, 11);
        groups.sort(new int[] {5, 1, 4, 5}, WEIGHTS, 2, 2, 6);
        assertEquals(1, groups.numDistinctBelow(4));
        assertEquals(3, groups.numDistinctBelow(6));
        assertArrayEquals(new int[] {2, 0, 3}, Arrays.copyOfRange(groups.rows, groups.start(4), groups.start(6)));
        assertArrayEquals(new int[] {1, 0, 1}, Arrays.copyOfRange(groups.tokens, groups.start(4), groups.start(6)));
    }

    @Test
    void forgetsTheBatchBefore() {
        ExpertGroups groups = new ExpertGroups(4, 11);
        groups.sort(new int[] {0, 1, 2, 3}, WEIGHTS, 2, 2, 4);
        groups.sort(new int[] {2, 3}, WEIGHTS, 1, 2, 4);
        assertEquals(2, groups.numDistinct());
        assertEquals(0, groups.size(0));
        assertEquals(1, groups.size(2));
    }
}
