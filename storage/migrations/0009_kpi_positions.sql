-- Now that the catalogue stands in the database: who answers for each rule, as its rationalization names the owner.
CREATE OR REPLACE VIEW rule_positions AS
SELECT id AS rule, definition #>> '{rationalization,owner,en}' AS position_en,
       definition #>> '{rationalization,owner,zh}' AS position_zh
  FROM rules;
