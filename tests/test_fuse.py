import pytest

from ketqa.fuse import best_first, min_max, reciprocal_rank_fusion, weighted_sum


def test_rank_fusion_adds_the_reciprocals_of_the_ranks() -> None:
    fused = reciprocal_rank_fusion([{7: 0.9, 3: 0.5}, {3: 12.0}])
    assert fused == pytest.approx({7: 1 / 61, 3: 1 / 62 + 1 / 61})


def test_scores_are_spread_over_0_to_1_before_they_are_weighed() -> None:
    fused = weighted_sum([{1: 0.2, 2: 0.4, 3: 0.3}, {3: 10.0, 4: 5.0}], (0.6, 0.4))
    assert fused == pytest.approx({1: 0, 2: 0.6, 3: 0.3 + 0.4, 4: 0})


def test_equal_scores_all_count_in_full() -> None:
    assert min_max({5: 2.0, 6: 2.0}) == {5: 1.0, 6: 1.0}
    assert min_max({}) == {}


def test_ties_go_to_the_lower_number() -> None:
    assert best_first({9: 0.5, 2: 0.5, 4: 0.7}, 2) == [4, 2]


def test_a_ranking_without_a_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        weighted_sum([{1: 0.2}, {1: 0.4}], (0.6,))
