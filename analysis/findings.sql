-- The queries behind all numbers in docs/results.md and in the report.
--
-- `-- name: NAME` starts a query. ($NAME) stands for another query (analysis/findings.py), so that
-- a table of the page and a figure of the report about the same finding count the same rows. With
-- two names, {A|B} is A in the query of the first name, and B in that of the second. Comments are
-- not part of the queries.
--
-- The paper distinguishes networks from fresh initialisations from those that start from the
-- search's best one: init is 'fresh', or NAME:DIGEST of a stored initialisation.


-- What was trained ------------------------------------------------------------------------------

-- name: rows
SELECT study, method, count(*) AS trainings, count(DISTINCT experiment_id) AS ids,
       count(*) FILTER (status = 'collapsed') AS collapsed,
       count(*) FILTER (status = 'diverged') AS diverged,
       count(*) FILTER (status = 'failed') AS failed,
       median(accuracy) AS median_accuracy, max(accuracy) AS best_accuracy,
       sum(train_ms) / 3.6e6 AS core_hours
FROM results GROUP BY study, method ORDER BY study, method

-- name: rows_by_study
SELECT study, sum(trainings)::BIGINT AS trainings, sum(ids)::BIGINT AS ids,
       sum(collapsed)::BIGINT AS collapsed, sum(diverged)::BIGINT AS diverged,
       round(sum(core_hours), 2) AS core_hours
FROM ($rows) GROUP BY study ORDER BY study

-- name: backends
SELECT backend, study, count(*) AS trainings
FROM results GROUP BY backend, study ORDER BY study, backend


-- The sparsest networks -------------------------------------------------------------------------

-- name: sparsest
-- For each method and kind of initialisation. Each count is a minimum by itself; width, run_id,
-- accuracy and experiment_id are those of the network with the fewest weights.
WITH reaching AS (
    SELECT *, split_part(init, ':', 1) AS start,
           row_number() OVER (
               PARTITION BY split_part(init, ':', 1), target, method
               ORDER BY weight_nnz, model_nnz, accuracy DESC, study, study_index, experiment_id
           ) AS place
    FROM results, (VALUES (0.95::DOUBLE), (0.995)) AS targets(target)
    WHERE accuracy >= target
)
SELECT start, target, method, count(*) AS networks, min(weight_nnz) AS weights,
       min(model_nnz) AS with_biases, min(effective_nnz) AS effective,
       any_value(coalesce(structure, width::VARCHAR)) FILTER (place = 1) AS width,
       any_value(paper_run_id) FILTER (place = 1) AS run_id,
       any_value(accuracy) FILTER (place = 1) AS accuracy,
       any_value(experiment_id) FILTER (place = 1) AS experiment_id
FROM reaching GROUP BY start, target, method ORDER BY target, start, method

-- name: sparsest_at_95 sparsest_at_995
SELECT method, networks, weights, with_biases, effective, width, run_id,
       round(100 * accuracy, 2) AS percent
FROM ($sparsest)
WHERE start = 'fresh' AND target = {0.95|0.995} ORDER BY weights, with_biases, method

-- name: trainings
SELECT method, count(*) AS trainings
FROM results WHERE init = 'fresh' AND status <> 'failed' GROUP BY method ORDER BY method

-- name: extent
-- Range of the weights in figures: up to the largest budget, or to the largest network without any.
SELECT min(weight_nnz) AS fewest, least(max(weight_nnz), coalesce(max(target_nnz) + 1, 1e9)) AS most,
       min(accuracy) AS lowest
FROM results WHERE init = 'fresh' AND accuracy IS NOT NULL

-- name: contents
-- Totals over all rows.
SELECT count(*) AS trainings, count(DISTINCT root_seed) AS root_seeds,
       count(*) FILTER (accuracy IS NULL) AS without_accuracy
FROM results

-- name: reached
-- Number of networks that reach an accuracy, by their number of nonzeros, counted in four ways. After
-- pruning: as many of the smallest weights are removed as the accuracy allows. Rows without a count
-- are left out.
WITH reaching AS (
    SELECT *, weight_nnz - if(target = 0.95, prunable_95, prunable_995) AS pruned_nnz
    FROM results, (VALUES (0.95::DOUBLE), (0.995)) AS targets(target)
    WHERE init = 'fresh' AND accuracy >= target
), counted AS (
    SELECT 'weights' AS counted, weight_nnz AS nonzeros, target, method, accuracy, experiment_id
    FROM reaching
    UNION ALL
    SELECT 'weights and biases', model_nnz, target, method, accuracy, experiment_id FROM reaching
    UNION ALL
    SELECT 'live weights', live_nnz, target, method, accuracy, experiment_id FROM reaching
    UNION ALL
    SELECT 'weights after pruning', pruned_nnz, target, method, accuracy, experiment_id FROM reaching
)
SELECT counted, target, method, nonzeros, count(*) AS networks,
       first(experiment_id ORDER BY accuracy DESC, experiment_id) AS experiment_id,
       max(accuracy) AS accuracy
FROM counted WHERE nonzeros IS NOT NULL
GROUP BY ALL ORDER BY counted, target, method, nonzeros

-- name: successes
SELECT method, count(*) AS trainings,
       round(100 * avg((accuracy >= 0.95)::INT), 2) AS percent_at_95,
       round(100 * avg((accuracy >= 0.995)::INT), 4) AS percent_at_995,
       round(100 * median(accuracy), 1) AS median_accuracy
FROM results WHERE study IN ('overparam', 'phase2-95', 'phase2-995')
GROUP BY ALL ORDER BY percent_at_95 DESC, method


-- Accuracy against weights ----------------------------------------------------------------------

-- name: front
-- Networks that are more accurate than every sparser one of their method, over all widths (NULL)
-- and for each width of three hidden layers. The search and other structures have no width.
WITH trained AS (
    SELECT method, if(structure IS NULL, width, NULL) AS width,
           weight_nnz, accuracy, experiment_id
    FROM results WHERE init = 'fresh' AND accuracy IS NOT NULL
), best AS (
    SELECT method, width, grouping(width) = 1 AS any_width, weight_nnz,
           count(*) AS trainings, max(accuracy) AS accuracy,
           first(experiment_id ORDER BY accuracy DESC, experiment_id) AS experiment_id
    FROM trained GROUP BY GROUPING SETS ((method, weight_nnz), (method, width, weight_nnz))
)
SELECT method, width, weight_nnz, trainings, accuracy, experiment_id
FROM best WHERE any_width OR width IS NOT NULL
QUALIFY accuracy > coalesce(max(accuracy) OVER (
    PARTITION BY method, width ORDER BY weight_nnz
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
ORDER BY method, width NULLS FIRST, weight_nnz

-- name: spread
WITH trained AS (
    SELECT method, if(structure IS NULL, width, NULL) AS width,
           weight_nnz, accuracy, experiment_id
    FROM results WHERE init = 'fresh' AND accuracy IS NOT NULL
), counted AS (
    SELECT method, width, grouping(width) = 1 AS any_width, weight_nnz,
           count(*) AS trainings, max(accuracy) AS best, median(accuracy) AS median,
           quantile_cont(accuracy, 0.1) AS tenth, quantile_cont(accuracy, 0.9) AS nine_tenths,
           first(experiment_id ORDER BY accuracy DESC, experiment_id) AS experiment_id
    FROM trained GROUP BY GROUPING SETS ((method, weight_nnz), (method, width, weight_nnz))
)
SELECT * EXCLUDE (any_width) FROM counted
WHERE (any_width OR width IS NOT NULL) AND trainings >= 5
ORDER BY method, width NULLS FIRST, weight_nnz


-- Width -----------------------------------------------------------------------------------------

-- name: keeps_to_budget
-- Methods most of whose networks have at most a tenth more weights than their budget.
SELECT method FROM results
WHERE init = 'fresh' AND target_nnz IS NOT NULL AND weight_nnz IS NOT NULL
GROUP BY method HAVING avg((weight_nnz > 1.1 * target_nnz)::INT) < 0.5

-- name: accuracy_by_width
SELECT target_nnz, method, width, count(*) AS trainings,
       max(accuracy) AS best, median(accuracy) AS median, avg(accuracy) AS mean,
       first(experiment_id ORDER BY accuracy DESC, experiment_id) AS experiment_id
FROM results
WHERE init = 'fresh' AND target_nnz IS NOT NULL AND structure IS NULL AND accuracy IS NOT NULL
  AND method IN ($keeps_to_budget)
GROUP BY target_nnz, method, width ORDER BY target_nnz, method, width

-- name: weights_by_width
SELECT target, method, width, count(*) AS networks, min(weight_nnz) AS weights,
       first(experiment_id ORDER BY weight_nnz, accuracy DESC, experiment_id) AS experiment_id
FROM results, (VALUES (0.95::DOUBLE), (0.995)) AS targets(target)
WHERE init = 'fresh' AND method <> 'search' AND structure IS NULL AND accuracy >= target
GROUP BY target, method, width ORDER BY target, method, width

-- name: weights_by_width_at_95
SELECT * FROM (
    SELECT method, 'w' || width AS width, weights FROM ($weights_by_width) WHERE target = 0.95
) PIVOT (
    min(weights) FOR width
    IN ('w3', 'w4', 'w5', 'w6', 'w7', 'w8', 'w16', 'w32', 'w64', 'w128', 'w256')
    GROUP BY method
) ORDER BY method

-- name: budgets_from_30
SELECT method, width, median(accuracy) AS median, avg(accuracy) AS mean,
       list(accuracy ORDER BY experiment_id) AS accuracies,
       list(disconnected_nnz / weight_nnz ORDER BY experiment_id)
           FILTER (weight_nnz > 0 AND disconnected_nnz IS NOT NULL) AS disconnected
FROM results
WHERE init = 'fresh' AND target_nnz >= 30 AND structure IS NULL AND accuracy IS NOT NULL
GROUP BY method, width ORDER BY method, width

-- name: width_comparison
-- The trainings that differ in width alone: lists of the same budget, learning rate and schedule.
SELECT method, width, target_nnz, lr, schedule, list(accuracy ORDER BY experiment_id) AS accuracies,
       list(disconnected_nnz / weight_nnz ORDER BY experiment_id)
           FILTER (weight_nnz > 0 AND disconnected_nnz IS NOT NULL) AS disconnected
FROM results
WHERE init = 'fresh' AND target_nnz >= 30 AND structure IS NULL AND width >= 8
  AND accuracy IS NOT NULL
GROUP BY method, width, target_nnz, lr, schedule ORDER BY method, width, target_nnz, lr, schedule

-- name: means_by_width
SELECT * FROM (
    SELECT method, 'w' || width AS width, round(100 * mean, 1) AS percent FROM ($budgets_from_30)
) PIVOT (
    max(percent) FOR width IN ('w4', 'w5', 'w6', 'w7', 'w8', 'w16', 'w32', 'w64', 'w128', 'w256')
    GROUP BY method
) ORDER BY method

-- name: medians_by_width
SELECT * FROM (
    SELECT method, 'w' || width AS width, round(100 * median, 1) AS percent FROM ($budgets_from_30)
) PIVOT (
    max(percent) FOR width IN ('w4', 'w8', 'w16', 'w32', 'w64', 'w128', 'w256') GROUP BY method
) ORDER BY method


-- Depth -----------------------------------------------------------------------------------------

-- name: accuracy_by_depth
-- Only studies that prune networks of several depths: in others depth is not what differs. Of one
-- budget, or of all (NULL).
WITH pruned AS (
    SELECT *, len(layers) - 2 AS depth, max(len(layers)) OVER of_study AS deepest,
           min(len(layers)) OVER of_study AS shallowest
    FROM results WHERE init = 'fresh' AND target_nnz IS NOT NULL
    WINDOW of_study AS (PARTITION BY study)
)
SELECT target_nnz, method, depth, count(*) AS trainings,
       max(accuracy) AS best, median(accuracy) AS median, avg(accuracy) AS mean,
       avg((accuracy >= 0.95)::INT) AS share_at_95, avg((accuracy >= 0.995)::INT) AS share_at_995,
       avg(disconnected_nnz / weight_nnz) FILTER (weight_nnz > 0) AS disconnected,
       first(experiment_id ORDER BY accuracy DESC, experiment_id) AS experiment_id
FROM pruned WHERE deepest > shallowest AND accuracy IS NOT NULL
GROUP BY GROUPING SETS ((target_nnz, method, depth), (method, depth))
ORDER BY target_nnz NULLS FIRST, method, depth


-- name: depth_overall
-- Intervals: Wilson's for shares, the normal approximation for means, 95 % confidence.
SELECT coalesce(init_scheme, 'paper') AS scheme, len(layers) - 2 AS depth,
       count(*) AS trainings, round(100 * avg(accuracy), 1) AS mean,
       round(196 * stddev(accuracy) / sqrt(count(*)), 1) AS plus_minus,
       count(*) FILTER (accuracy >= 0.95) AS reach_95,
       round(100 * avg((accuracy >= 0.95)::INT), 2) AS percent_95,
       round(greatest(0, 100 * (reach_95 + 1.92 - 1.96 * sqrt(reach_95 * (1 - reach_95 / trainings)
             + 0.96)) / (trainings + 3.84)), 2) AS low_95,
       round(100 * (reach_95 + 1.92 + 1.96 * sqrt(reach_95 * (1 - reach_95 / trainings) + 0.96))
             / (trainings + 3.84), 2) AS high_95,
       round(100 * avg((status = 'collapsed')::INT), 1) AS collapsed,
       round(100 * avg(disconnected_nnz / weight_nnz) FILTER (weight_nnz > 0), 1) AS disconnected
FROM results WHERE study = 'depth-ablation' AND accuracy IS NOT NULL
GROUP BY ALL ORDER BY scheme DESC, depth

-- name: depth_by_method
WITH cells AS (
    SELECT coalesce(init_scheme, 'paper') AS scheme, method, len(layers) - 2 AS depth,
           100 * avg(accuracy) AS mean, 196 * stddev(accuracy) / sqrt(count(*)) AS plus_minus,
           count(*) AS trainings
    FROM results WHERE study = 'depth-ablation' AND accuracy IS NOT NULL GROUP BY ALL
)
SELECT scheme, method, sum(trainings)::BIGINT AS trainings,
       round(max(mean) FILTER (depth = 1), 1) AS d1, round(max(mean) FILTER (depth = 2), 1) AS d2,
       round(max(mean) FILTER (depth = 3), 1) AS d3, round(max(mean) FILTER (depth = 4), 1) AS d4,
       round(max(mean) FILTER (depth = 5), 1) AS d5, round(max(plus_minus), 1) AS plus_minus
FROM cells GROUP BY scheme, method ORDER BY scheme DESC, method

-- name: depth_by_size
WITH cells AS (
    SELECT coalesce(init_scheme, 'paper') AS scheme, len(layers) - 2 AS depth,
           CASE WHEN layers[2] = 51 OR layers[2] < 9 OR layers[2:3] = [11, 11] AND len(layers) = 4
                THEN 152 WHEN layers[2] < 30 OR layers[2] = 187 THEN 560 ELSE 8384 END AS weights,
           100 * avg(accuracy) AS mean, 196 * stddev(accuracy) / sqrt(count(*)) AS plus_minus
    FROM results WHERE study = 'depth-ablation' AND accuracy IS NOT NULL GROUP BY ALL
)
SELECT scheme, weights,
       round(max(mean) FILTER (depth = 1), 1) AS d1, round(max(mean) FILTER (depth = 2), 1) AS d2,
       round(max(mean) FILTER (depth = 3), 1) AS d3, round(max(mean) FILTER (depth = 4), 1) AS d4,
       round(max(mean) FILTER (depth = 5), 1) AS d5, round(max(plus_minus), 1) AS plus_minus
FROM cells GROUP BY scheme, weights ORDER BY scheme DESC, weights

-- name: depth_by_lr
-- Both schemes. p2 to p5: percentage of trainings that reach 95 %.
WITH cells AS (
    SELECT lr, len(layers) - 2 AS depth, 100 * avg(accuracy) AS mean,
           196 * stddev(accuracy) / sqrt(count(*)) AS plus_minus,
           100 * avg((accuracy >= 0.95)::INT) AS percent_95
    FROM results WHERE study = 'depth-ablation' AND accuracy IS NOT NULL GROUP BY ALL
)
SELECT lr, round(max(mean) FILTER (depth = 1), 1) AS d1,
       round(max(mean) FILTER (depth = 2), 1) AS d2, round(max(mean) FILTER (depth = 3), 1) AS d3,
       round(max(mean) FILTER (depth = 4), 1) AS d4, round(max(mean) FILTER (depth = 5), 1) AS d5,
       round(max(plus_minus), 1) AS plus_minus,
       round(max(percent_95) FILTER (depth = 2), 1) AS p2,
       round(max(percent_95) FILTER (depth = 3), 1) AS p3,
       round(max(percent_95) FILTER (depth = 4), 1) AS p4,
       round(max(percent_95) FILTER (depth = 5), 1) AS p5
FROM cells GROUP BY lr ORDER BY lr

-- name: depth_sparsest
WITH reaching AS (
    SELECT target, len(layers) - 2 AS depth, method, weight_nnz
    FROM results, (VALUES (0.95::DOUBLE), (0.995)) AS targets(target)
    WHERE study = 'depth-ablation' AND accuracy >= target
)
SELECT 100 * target AS percent, depth, count(*) AS networks, min(weight_nnz) AS weights,
       string_agg(DISTINCT method, ', ' ORDER BY method) FILTER (weight_nnz = least) AS methods
FROM (SELECT *, min(weight_nnz) OVER (PARTITION BY target, depth) AS least FROM reaching)
GROUP BY target, depth ORDER BY target, depth

-- name: depth_more
SELECT method, len(layers) - 2 AS depth, count(*) AS trainings,
       round(100 * avg(accuracy), 1) AS mean,
       round(196 * stddev(accuracy) / sqrt(count(*)), 1) AS plus_minus,
       round(100 * avg((accuracy >= 0.95)::INT) FILTER (target_nnz = 20)) AS percent_95_of_20,
       round(100 * avg((accuracy >= 0.995)::INT) FILTER (target_nnz = 34)) AS percent_995_of_34,
       min(weight_nnz) FILTER (accuracy >= 0.95) AS fewest_95,
       min(weight_nnz) FILTER (accuracy >= 0.995) AS fewest_995
FROM results WHERE study = 'depth-more' AND accuracy IS NOT NULL GROUP BY ALL ORDER BY ALL


-- Other methods ---------------------------------------------------------------------------------

-- name: more_methods
-- The paper's grid up to width 64. Intervals: Wilson's, 95 % confidence.
SELECT if(hyperparameters IS NULL, method, method || ' (effective)') AS method,
       count(*) AS trainings, round(100 * avg(accuracy), 1) AS mean,
       round(100 * avg((accuracy >= 0.95)::INT), 1) AS percent_95,
       round(greatest(0, 100 * (sum((accuracy >= 0.95)::INT) + 1.92
             - 1.96 * sqrt(sum((accuracy >= 0.95)::INT) * avg((accuracy < 0.95)::INT) + 0.96))
             / (count(*) + 3.84)), 1) AS low,
       round(100 * (sum((accuracy >= 0.95)::INT) + 1.92
             + 1.96 * sqrt(sum((accuracy >= 0.95)::INT) * avg((accuracy < 0.95)::INT) + 0.96))
             / (count(*) + 3.84), 1) AS high,
       round(100 * avg((accuracy >= 0.95)::INT) FILTER (lr = 0.05), 1) AS at_lr_005,
       round(100 * avg((accuracy >= 0.95)::INT) FILTER (lr = 0.1), 1) AS at_lr_01,
       round(100 * avg((accuracy >= 0.95)::INT) FILTER (lr = 0.2), 1) AS at_lr_02,
       min(weight_nnz) FILTER (accuracy >= 0.95) AS fewest_95,
       min(weight_nnz) FILTER (accuracy >= 0.995) AS fewest_995,
       round(avg(edge_updates) / 1e6, 1) AS million_edge_updates
FROM results
WHERE study IN ('overparam', 'overparam-more') AND width <= 64 AND lr >= 0.05
  AND accuracy IS NOT NULL
GROUP BY ALL ORDER BY percent_95 DESC, method

-- name: wide_methods
-- Percentage of trainings that reach 95 %, by width (w8 to w256), with every third target. Of methods
-- with more than half of their trainings from width 128; the last columns are of that width.
SELECT if(hyperparameters IS NULL, method, method || ' (effective)') AS method,
       round(100 * avg((accuracy >= 0.95)::INT) FILTER (width = 8)) AS w8,
       round(100 * avg((accuracy >= 0.95)::INT) FILTER (width = 16)) AS w16,
       round(100 * avg((accuracy >= 0.95)::INT) FILTER (width = 32)) AS w32,
       round(100 * avg((accuracy >= 0.95)::INT) FILTER (width = 64)) AS w64,
       round(100 * avg((accuracy >= 0.95)::INT) FILTER (width = 128)) AS w128,
       if(count(*) FILTER (width = 256) > 36,
          round(100 * avg((accuracy >= 0.95)::INT) FILTER (width = 256)), NULL) AS w256,
       count(*) FILTER (width = 128) AS trainings,
       count(*) FILTER (width = 128 AND accuracy >= 0.95) AS reach_95,
       min(weight_nnz) FILTER (width = 128 AND accuracy >= 0.95) AS fewest_95,
       round(avg(edge_updates) FILTER (width = 128) / 1e6, 1) AS million_edge_updates
FROM results
WHERE study IN ('overparam', 'overparam-more') AND lr >= 0.05
  AND accuracy IS NOT NULL AND target_nnz IN (
      SELECT target_nnz FROM results WHERE study = 'overparam-more' AND width = 128
  )
GROUP BY 1 HAVING trainings > 36 ORDER BY w128 DESC, method

-- name: penalties
SELECT method, count(*) AS trainings, median(weight_nnz)::INT AS median_weights,
       round(100 * avg(accuracy), 1) AS mean,
       round(100 * avg((accuracy >= 0.95)::INT), 1) AS percent_95,
       min(weight_nnz) FILTER (accuracy >= 0.95) AS fewest_95,
       min(weight_nnz) FILTER (accuracy >= 0.995) AS fewest_995,
       round(100 * avg((accuracy >= 0.95 AND weight_nnz <= 65)::INT), 1) AS percent_95_of_65
FROM results
WHERE study = 'penalties' AND width <= 64 AND lr >= 0.05 AND accuracy IS NOT NULL
GROUP BY ALL ORDER BY percent_95_of_65 DESC, method


-- Closing the gap --------------------------------------------------------------------------------

-- name: exchange elimination
SELECT target_nnz, width, count(*) AS trainings,
       count(*) FILTER (accuracy >= 0.95) AS reach_95,
       count(*) FILTER (accuracy >= 0.995) AS reach_995,
       round(100 * median(accuracy), 1) AS median_percent,
       min(weight_nnz) FILTER (accuracy >= 0.95) AS fewest_95,
       min(weight_nnz) FILTER (accuracy >= 0.995) AS fewest_995,
       round(avg(edge_updates) / 1e6) AS million_edge_updates
FROM results WHERE study = '{exchange|elimination}' GROUP BY ALL ORDER BY ALL

-- name: cost_of_success
-- A success keeps to the number of weights. The search has no width and one study per accuracy; its
-- rows, older than the column edge_updates, have 19,500 steps each.
WITH asked AS (FROM (VALUES (20, 0.95::DOUBLE, 'phase2-95'), (34, 0.995, 'phase2-995'))
               AS t(at_most, target, searched))
SELECT at_most, method, if(method = 'search', NULL, width) AS width, count(*) AS trainings,
       count(*) FILTER (accuracy >= target AND weight_nnz <= at_most) AS successes,
       round(sum(train_ms) / 1000 / successes, 1) AS core_seconds_each,
       round(sum(coalesce(edge_updates, 19500 * weight_nnz)) / 1e6 / successes)
           AS million_edge_updates_each
FROM results, asked
WHERE study IN ('elimination', 'exchange') AND target_nnz = at_most OR study = searched
GROUP BY ALL ORDER BY ALL

-- name: exchange_records
SELECT target_nnz, count(*) AS trainings,
       count(*) FILTER (accuracy >= 0.95) AS reach_95,
       count(*) FILTER (accuracy >= 0.995) AS reach_995,
       round(100 * max(accuracy), 2) AS best_percent
FROM results WHERE study = 'exchange-records' GROUP BY ALL ORDER BY ALL

-- name: exchange_fewest
WITH targets AS (FROM (VALUES (0.8::DOUBLE), (0.9), (0.95), (0.99), (0.995), (1.0)) AS t(target)),
reaching AS (FROM results, targets WHERE accuracy >= target)
SELECT 100 * target AS percent, min(weight_nnz) AS weights, min(model_nnz) AS with_biases,
       min(live_nnz) AS live, min(folded_nnz) AS folded,
       min(weight_nnz - prunable_own) AS pruned
FROM reaching WHERE study IN ('exchange', 'exchange-records') GROUP BY target ORDER BY target

-- name: as_sparse_as_search
SELECT method, count(*) FILTER (weight_nnz <= 20) AS at_most_20,
       count(*) FILTER (weight_nnz <= 20 AND accuracy >= 0.95) AS reach_95,
       count(*) FILTER (weight_nnz <= 34) AS at_most_34,
       count(*) FILTER (weight_nnz <= 34 AND accuracy >= 0.995) AS reach_995
FROM results WHERE study IN ('overparam', 'phase1', 'phase2-95', 'phase2-995')
GROUP BY ALL ORDER BY ALL

-- name: equal_training
-- With at least as much training as exchange.
SELECT width, if(method = 'exchange', target_nnz, target_nnz - 1) AS at_most, method, lr,
       count(*) AS trainings, round(avg(edge_updates) / 1e6) AS million_edge_updates,
       count(*) FILTER (accuracy >= 0.95) AS reach_95,
       count(*) FILTER (accuracy >= 0.995) AS reach_995,
       round(100 * median(accuracy), 1) AS median_percent
FROM results
WHERE study = 'equal-training' OR study = 'exchange' AND width IN (16, 32)
GROUP BY ALL ORDER BY ALL

-- name: elimination_ablation
SELECT method, translate(hyperparameters, '{}"', '') AS change, count(*) AS trainings,
       count(*) FILTER (target_nnz = 20 AND accuracy >= 0.95) AS at_95,
       count(*) FILTER (target_nnz = 34 AND accuracy >= 0.995) AS at_995,
       round(100 * median(accuracy) FILTER (target_nnz = 20), 1) AS median_percent,
       round(avg(edge_updates) / 1e6, 1) AS million_edge_updates,
       round(avg(train_ms) / 1000, 2) AS seconds
FROM results WHERE study = 'elimination-ablation'
GROUP BY method, hyperparameters ORDER BY method <> 'elimination', method, change NULLS FIRST

-- name: to_accuracy
-- To lose: weights that magnitude pruning could still remove at this accuracy.
SELECT 100 * target_accuracy AS percent, width, method,
       coalesce(json_extract(hyperparameters, '$.attempts')::INT, 1) AS attempts,
       count(*) AS trainings, count(*) FILTER (accuracy >= target_accuracy) AS kept,
       min(weight_nnz) FILTER (accuracy >= target_accuracy) AS fewest,
       median(weight_nnz) FILTER (accuracy >= target_accuracy)::INT AS median,
       max(weight_nnz) FILTER (accuracy >= target_accuracy) AS most,
       max(if(target_accuracy = 0.95, prunable_95, prunable_995)) AS most_to_lose,
       round(avg(edge_updates) / 1e6) AS million_edge_updates
FROM results WHERE study = 'to-accuracy' GROUP BY ALL ORDER BY ALL

-- name: exchange_bench
SELECT split_part(init, ':', 1) AS start, target_nnz, count(*) AS trainings,
       count(*) FILTER (accuracy >= 0.95) AS reach_95,
       count(*) FILTER (accuracy >= 0.995) AS reach_995,
       round(100 * median(accuracy), 1) AS median_percent
FROM results WHERE study = 'exchange-bench' GROUP BY ALL ORDER BY ALL


-- Other tasks -----------------------------------------------------------------------------------

-- name: fewest_by_dataset
-- Of every data set: the fewest weights with which trainings reach an accuracy.
SELECT dataset, target, method, count(*) AS networks, min(weight_nnz) AS weights,
       min(weight_nnz) FILTER (test_accuracy >= target) AS weights_at_test,
       first(experiment_id ORDER BY weight_nnz, accuracy DESC, experiment_id) AS experiment_id
FROM results, (VALUES (0.8::DOUBLE), (0.9), (0.95), (0.99), (0.995), (1.0)) AS targets(target)
WHERE init = 'fresh' AND accuracy >= target
GROUP BY dataset, target, method ORDER BY dataset, method, target

-- name: by_task
-- The rows of studies of several data sets. "pruning" are the paper's nine algorithms.
SELECT *, CASE WHEN method IN ('search', 'random') THEN 'search'
               WHEN method IN ('elimination', 'exchange', 'lrr') THEN method
               ELSE 'pruning' END AS found_by
FROM results WHERE study IN ('tasks-prune', 'tasks-search', 'tasks-more') AND accuracy IS NOT NULL

-- name: task_trainings
SELECT dataset, count(*) FILTER (method = 'search' AND masks IS NULL) AS dense,
       count(*) FILTER (masks IS NOT NULL) AS masks, count(*) FILTER (method = 'random') AS random,
       count(*) FILTER (found_by = 'pruning') AS pruning,
       count(*) FILTER (found_by = 'elimination') AS elimination,
       count(*) FILTER (found_by = 'exchange') AS exchange,
       count(*) FILTER (found_by = 'lrr') AS lrr
FROM ($by_task) GROUP BY dataset ORDER BY dataset DESC

-- name: task_sparsest
-- The fewest weights at an accuracy on the training points, how many trainings of the nine
-- algorithms have at most the search's weights, and how many of these reach the accuracy. Intervals:
-- Wilson's, 95 % confidence.
WITH reaching AS (
    SELECT * FROM ($by_task), (VALUES (0.9::DOUBLE), (0.95), (0.99), (1.0)) AS targets(target)
    WHERE accuracy >= target
),
fewest AS (
    SELECT dataset, target, min(weight_nnz) FILTER (found_by = 'search') AS search,
           min(weight_nnz) FILTER (found_by = 'pruning') AS pruning,
           first(method ORDER BY weight_nnz, method) FILTER (found_by = 'pruning') AS method,
           min(weight_nnz) FILTER (found_by = 'elimination') AS elimination,
           min(weight_nnz) FILTER (found_by = 'exchange') AS exchange,
           min(weight_nnz) FILTER (found_by = 'lrr') AS lrr
    FROM reaching GROUP BY dataset, target
),
counted AS (
    SELECT dataset, target, count(*) AS n, count(*) FILTER (accuracy >= target) AS hits
    FROM ($by_task) JOIN fewest USING (dataset)
    WHERE found_by = 'pruning' AND weight_nnz <= search GROUP BY dataset, target
)
SELECT dataset, 100 * target AS percent, search, pruning, fewest.method, elimination, exchange, lrr,
       n AS as_sparse, hits AS reach,
       round(greatest(0, 100 * (hits + 1.92 - 1.96 * sqrt(hits * (1 - hits / n) + 0.96))
             / (n + 3.84)), 1) AS low,
       round(100 * (hits + 1.92 + 1.96 * sqrt(hits * (1 - hits / n) + 0.96)) / (n + 3.84), 1) AS high
FROM fewest LEFT JOIN counted USING (dataset, target) ORDER BY dataset DESC, target

-- name: task_test_accuracy
-- The test accuracy of the networks with the fewest weights at an accuracy on the training points.
WITH reaching AS (
    SELECT * FROM ($by_task), (VALUES (0.8::DOUBLE), (0.9), (0.95), (0.99)) AS targets(target)
    WHERE accuracy >= target AND test_accuracy IS NOT NULL
),
smallest AS (
    SELECT dataset, target, found_by, min(weight_nnz) AS weights,
           100 * first(test_accuracy ORDER BY weight_nnz, accuracy DESC, experiment_id) AS test
    FROM reaching GROUP BY dataset, target, found_by
)
SELECT dataset, 100 * target AS percent,
       any_value(weights) FILTER (found_by = 'search') AS search,
       round(any_value(test) FILTER (found_by = 'search'), 1) AS search_test,
       any_value(weights) FILTER (found_by = 'pruning') AS pruning,
       round(any_value(test) FILTER (found_by = 'pruning'), 1) AS pruning_test,
       any_value(weights) FILTER (found_by = 'elimination') AS elimination,
       round(any_value(test) FILTER (found_by = 'elimination'), 1) AS elimination_test,
       any_value(weights) FILTER (found_by = 'exchange') AS exchange,
       round(any_value(test) FILTER (found_by = 'exchange'), 1) AS exchange_test
FROM smallest GROUP BY dataset, target ORDER BY dataset DESC, target

-- name: task_gap
-- By how much the accuracy falls from the training to the test points.
SELECT dataset, percent, count(*) AS networks,
       round(100 * avg(accuracy - test_accuracy), 2) AS mean_gap
FROM results, (VALUES (80), (90), (95), (99)) AS targets(percent)
WHERE study IN ('tasks-prune', 'tasks-search', 'tasks-more') AND 100 * accuracy >= percent
  AND test_accuracy IS NOT NULL
GROUP BY dataset, percent ORDER BY dataset DESC, percent

-- name: task_methods
-- Equal targets and widths for every method of a data set.
SELECT dataset, method, count(*) AS trainings, round(100 * avg(accuracy), 1) AS mean,
       round(196 * stddev(accuracy) / sqrt(count(*)), 1) AS plus_minus,
       round(100 * avg(accuracy) FILTER (width = 4), 1) AS w4,
       round(100 * avg(accuracy) FILTER (width = 8), 1) AS w8,
       round(100 * avg(accuracy) FILTER (width = 16), 1) AS w16,
       round(100 * avg(disconnected_nnz / weight_nnz) FILTER (weight_nnz > 0), 1) AS disconnected,
       round(100 * avg((prunable_own > 0)::INT) FILTER (accuracy >= 0.9), 1) AS could_go
FROM ($by_task) WHERE target_nnz IS NOT NULL AND target_nnz < 44 OR dataset LIKE 'digits%'
GROUP BY dataset, method HAVING min(target_nnz) IS NOT NULL ORDER BY dataset DESC, mean DESC, method


-- Disconnected weights --------------------------------------------------------------------------

-- name: disconnected
SELECT method, width, count(*) AS networks,
       avg(disconnected_nnz / weight_nnz) AS share_of_weights,
       avg((effective_nnz = 0)::INT) AS share_without_path,
       avg(weight_nnz) AS weights, avg(effective_nnz) AS effective
FROM results
WHERE init = 'fresh' AND method <> 'search' AND structure IS NULL AND weight_nnz > 0
  AND disconnected_nnz IS NOT NULL
GROUP BY method, width ORDER BY method, width

-- name: disconnected_by_width
SELECT method,
       round(100 * max(share_of_weights) FILTER (width = 4), 1) AS w4,
       round(100 * max(share_of_weights) FILTER (width = 8), 1) AS w8,
       round(100 * max(share_of_weights) FILTER (width = 16), 1) AS w16,
       round(100 * max(share_of_weights) FILTER (width = 32), 1) AS w32,
       round(100 * max(share_of_weights) FILTER (width = 64), 1) AS w64,
       round(100 * max(share_of_weights) FILTER (width = 128), 1) AS w128,
       round(100 * max(share_of_weights) FILTER (width = 256), 1) AS w256,
       round(100 * sum(networks * share_without_path) / sum(networks), 1) AS no_path
FROM ($disconnected)
GROUP BY method ORDER BY method

-- name: without_path
SELECT method, count(*) FILTER (connection = 'bias-only') AS bias_only,
       count(*) FILTER (connection = 'none') AS nothing,
       count(*) FILTER (list_contains(layer_nnz, 0)) AS a_layer_without_weights
FROM results WHERE study = 'overparam' AND connection <> 'path' GROUP BY method ORDER BY method

-- name: without_path_by_budget
SELECT target_nnz, method, width, count(*) AS networks,
       sum((effective_nnz = 0)::INT)::BIGINT AS without_path
FROM results
WHERE init = 'fresh' AND target_nnz IN (20, 30, 65) AND structure IS NULL
  AND status IN ('ok', 'collapsed')
  AND method IN ($keeps_to_budget)
GROUP BY target_nnz, method, width ORDER BY target_nnz, method, width


-- name: explained_by_disconnected
-- Share of the variance of accuracy that the share of disconnected weights explains.
SELECT coalesce(method, 'all') AS method, count(*) AS networks,
       round(100 * regr_r2(accuracy, disconnected_nnz / weight_nnz), 1) AS percent_explained,
       count(*) FILTER (disconnected_nnz < 0.2 * weight_nnz) AS nearly_all_on_paths,
       round(100 * avg(accuracy) FILTER (disconnected_nnz < 0.2 * weight_nnz), 1) AS their_mean,
       round(100 * avg(accuracy), 1) AS mean_of_all
FROM results
WHERE init = 'fresh' AND target_nnz >= 30 AND structure IS NULL AND width >= 8
  AND weight_nnz > 0 AND accuracy IS NOT NULL
GROUP BY GROUPING SETS ((method), ()) ORDER BY grouping(method), method


-- Still prunable --------------------------------------------------------------------------------

-- name: prunable
-- Only masked networks, from pruning or from the search.
WITH masked AS (
    SELECT accuracy_that, method, weight_nnz, accuracy, experiment_id,
           CASE accuracy_that WHEN 'stays at 95 %' THEN prunable_95
                              WHEN 'stays at 99.5 %' THEN prunable_995
                              ELSE prunable_own END AS prunable
    FROM results, (VALUES ('stays at 95 %', 0.95::DOUBLE), ('stays at 99.5 %', 0.995),
                          ('loses 0.1 points at most', 0.95)) AS asked(accuracy_that, least)
    WHERE init = 'fresh' AND (target_nnz IS NOT NULL OR masks IS NOT NULL)
      AND accuracy >= least
)
SELECT accuracy_that, method, count(*) AS networks, median(weight_nnz) AS weights,
       median(weight_nnz - prunable) AS weights_left, min(weight_nnz - prunable) AS fewest_left,
       median(prunable) AS could_go, max(prunable) AS most,
       count(*) FILTER (prunable > 0) AS networks_with_any,
       first(experiment_id ORDER BY weight_nnz - prunable, accuracy DESC, experiment_id)
           AS experiment_id
FROM masked WHERE prunable IS NOT NULL
GROUP BY accuracy_that, method ORDER BY accuracy_that, method

-- name: prunable_at_95 prunable_at_995
SELECT method, networks, weights, could_go, most, fewest_left,
       round(100 * networks_with_any / networks, 1) AS percent_with_any
FROM ($prunable)
WHERE accuracy_that = 'stays at {95|99.5} %' ORDER BY method


-- The best initialisation -----------------------------------------------------------------------

-- name: fixed_trainings
SELECT study, method, count(*) AS trainings,
       avg((accuracy >= 0.95)::INT) AS share_at_95, avg((accuracy >= 0.995)::INT) AS share_at_995,
       median(accuracy) AS median, max(accuracy) AS best
FROM results WHERE init <> 'fresh'
GROUP BY study, method ORDER BY study, method

-- name: fixed_by_study
SELECT study, method, count(*) AS networks, min(weight_nnz) AS weights,
       min(model_nnz) AS with_biases, min(effective_nnz) AS effective,
       first(coalesce(structure, width::VARCHAR) ORDER BY weight_nnz, model_nnz, accuracy DESC, paper_run_id) AS width,
       first(paper_run_id ORDER BY weight_nnz, model_nnz, accuracy DESC, paper_run_id) AS run_id
FROM results WHERE (paper_group = 'fixed-95' AND accuracy >= 0.95)
                OR (paper_group = 'fixed-995' AND accuracy >= 0.995)
GROUP BY study, method ORDER BY study LIKE 'fixed995%', weights, with_biases, method, study

-- name: fixed_995_at_95
SELECT method, networks, weights, with_biases, width, run_id
FROM ($sparsest)
WHERE start = 'bench-995' AND target = 0.95 ORDER BY weights, with_biases, method

-- name: fixed_reached
-- Includes the search that found the initialisation.
SELECT start, target, method, weight_nnz AS nonzeros, count(*) AS networks
FROM results, (VALUES ('bench-95', 'phase2-95', 0.95::DOUBLE), ('bench-995', 'phase2-995', 0.95),
                      ('bench-995', 'phase2-995', 0.995)) AS asked(start, found_in, target)
WHERE (split_part(init, ':', 1) = start OR study = found_in) AND accuracy >= target
GROUP BY ALL ORDER BY start, target, method, weight_nnz

-- name: fixed_trainings_by_start
SELECT start, method, count(*) AS trainings
FROM results, (VALUES ('bench-95', 'phase2-95'), ('bench-995', 'phase2-995'))
    AS asked(start, found_in)
WHERE (split_part(init, ':', 1) = start OR study = found_in) AND status <> 'failed'
GROUP BY start, method ORDER BY start, method


-- The search itself -----------------------------------------------------------------------------

-- name: search_by_study
SELECT target, study, count(*) AS networks, min(weight_nnz) AS weights,
       min(model_nnz) AS with_biases,
       first(paper_run_id ORDER BY weight_nnz, model_nnz, accuracy DESC, paper_run_id) AS run_id,
       round(100 * first(accuracy ORDER BY weight_nnz, model_nnz, accuracy DESC, paper_run_id), 2) AS percent
FROM results, (VALUES (0.95::DOUBLE), (0.995)) AS targets(target)
WHERE method = 'search' AND accuracy >= target GROUP BY ALL ORDER BY target, study

-- name: masks_at_95 masks_at_995
SELECT weight_nnz, model_nnz, mask1, mask2, mask3, lr, schedule,
       round(100 * accuracy, 2) AS percent, paper_run_id
FROM results WHERE study = 'phase2-{95|995}' AND accuracy >= {0.95|0.995}
ORDER BY weight_nnz, model_nnz, accuracy DESC, paper_run_id LIMIT 3

-- name: dense_structures
SELECT structure, 2 * d1 + d1 * d2 + d2 * d3 + d3 AS weights,
       round(100 * max(accuracy), 2) AS best, max(accuracy) AS accuracy
FROM results WHERE study = 'phase1' GROUP BY structure, d1, d2, d3

-- name: dense_structures_at_95 dense_structures_at_995
SELECT structure, weights, best
FROM ($dense_structures)
WHERE accuracy >= {0.95|0.995} ORDER BY weights, best DESC, structure LIMIT 3

-- name: luck
SELECT study, lr, schedule, count(*) AS trainings, round(100 * median(accuracy), 1) AS median,
       sum((accuracy >= 0.95)::INT)::INT AS at_95, sum((accuracy >= 0.995)::INT)::INT AS at_995,
       round(100 * avg((abs(accuracy - 0.5) < 0.005)::INT)) AS stuck
FROM results WHERE study IN ('phase1', 'phase2-95', 'phase2-995')
GROUP BY ALL ORDER BY study, lr, schedule
